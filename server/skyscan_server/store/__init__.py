"""What the hub remembers: tables, and one repository a resource."""
