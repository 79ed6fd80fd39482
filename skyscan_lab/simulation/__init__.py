"""A whole station that is not there: sky, antenna, receiver and rotor.

Everything here is plain arithmetic on explicit times and keys. Whoever runs a station in
time, `skyscan_lab.devices.simulated` for one, passes the times in.
"""
