"""Truth: a ticket lets one bearer in, once, at one door, for half a minute."""

import pytest

from skyscan_server.auth.principal import Principal
from skyscan_server.auth.tickets import TicketRefused, Tickets

ADA = Principal("ada", None, frozenset(), "x.1", None)
BEN = Principal("ben", None, frozenset(), "x.2", None)
PATH = "/ws/skyscan/7"


@pytest.fixture
def tickets(seconds):
    return Tickets(monotonic=seconds)


def test_who_it_was_made_for(tickets):
    first, second = tickets.issue(ADA, PATH), tickets.issue(BEN, PATH)
    assert tickets.redeem(second, PATH) is BEN
    assert tickets.redeem(first, PATH) is ADA


def test_once(tickets):
    ticket = tickets.issue(ADA, PATH)
    tickets.redeem(ticket, PATH)
    with pytest.raises(TicketRefused):
        tickets.redeem(ticket, PATH)


@pytest.mark.parametrize(("later", "good"), [(29.9, True), (30.0, False)])
def test_for_half_a_minute(tickets, seconds, later, good):
    ticket = tickets.issue(ADA, PATH)
    seconds.now += later
    if good:
        assert tickets.redeem(ticket, PATH) is ADA
    else:
        with pytest.raises(TicketRefused):
            tickets.redeem(ticket, PATH)


@pytest.mark.parametrize("path", ["/ws/skyscan/8", "/ws/skyscan/7/", "", "/WS/skyscan/7"])
def test_at_one_door_and_a_wrong_one_takes_it(tickets, path):
    ticket = tickets.issue(ADA, PATH)
    with pytest.raises(TicketRefused):
        tickets.redeem(ticket, path)
    with pytest.raises(TicketRefused):
        tickets.redeem(ticket, PATH)


def test_every_refusal_is_the_same(tickets, seconds):
    old = tickets.issue(ADA, PATH)
    seconds.now += 30
    used, wrong = tickets.issue(ADA, PATH), tickets.issue(ADA, PATH)
    tickets.redeem(used, PATH)
    answers = set()
    for ticket, path in ((old, PATH), (used, PATH), (wrong, "/"), ("made-up", PATH), ("", PATH)):
        with pytest.raises(TicketRefused) as caught:
            tickets.redeem(ticket, path)
        answers.add(str(caught.value))
    assert answers == {"the ticket is not good: ask for a new one"}


def test_bounded_in_number(seconds):
    tickets = Tickets(most=3, monotonic=seconds)
    made = [tickets.issue(ADA, PATH) for _ in range(5)]
    assert len(tickets) == 3
    for ticket in made[:2]:
        with pytest.raises(TicketRefused):
            tickets.redeem(ticket, PATH)
    for ticket in made[2:]:
        assert tickets.redeem(ticket, PATH) is ADA


def test_what_nobody_used_is_dropped(tickets, seconds):
    for _ in range(10):
        tickets.issue(ADA, PATH)
    seconds.now += 30
    kept = tickets.issue(BEN, PATH)
    assert len(tickets) == 1
    assert tickets.redeem(kept, PATH) is BEN


def test_not_to_be_guessed():
    tickets = Tickets()
    assert len({tickets.issue(ADA, PATH) for _ in range(1000)}) == 1000
    assert len(tickets.issue(ADA, PATH)) == 43  # 256 bits
