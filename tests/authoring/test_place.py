"""Where a later session goes on with the broadcasts."""

from eventbus_core.authoring.place import Place
from eventbus_core.transport import BROADCASTS, INBOX, Channel, Delivery, Outcome, Settlement


def delivery(position: int, channel: Channel = BROADCASTS) -> Delivery:
    return Delivery(channel=channel, data=b"", token=None, position=position)


def settled(place: Place, *deliveries: Delivery, outcome: Outcome = Outcome.DONE) -> None:
    place.settled([Settlement(each, outcome) for each in deliveries])


def test_nothing_was_handed_out() -> None:
    assert Place().value is None
    assert (Place(7).value, Place(7).ahead) == (7, [])


def test_it_is_before_the_oldest_that_is_not_settled() -> None:
    place = Place()
    one, two, three = (delivery(position) for position in (11, 12, 13))
    place.taken([one, two, three])
    assert place.value == 10
    settled(place, one, three)
    assert (place.value, place.ahead) == (11, [13])
    settled(place, two, outcome=Outcome.DEAD)
    assert (place.value, place.ahead) == (13, [])


def test_what_was_released_is_not_settled() -> None:
    place = Place()
    one = delivery(11)
    place.taken([one])
    settled(place, one, outcome=Outcome.RELEASED)
    assert place.value == 10


def test_only_broadcasts_count() -> None:
    place = Place()
    mail = delivery(0, INBOX)
    place.taken([mail])
    settled(place, mail)
    assert place.value is None


def test_what_an_earlier_session_settled_beyond_it_is_kept() -> None:
    place = Place(11, [13])
    assert place.ahead == [13]
    two = delivery(12)
    place.taken([two])
    settled(place, two)
    # The next one handed out is 14, and 13 is not forgotten before.
    assert (place.value, place.ahead) == (12, [13])
