"""`eventbus_core` exports exactly what users may rely on."""

import eventbus_core

ERRORS = {
    "BacklogFullError",
    "BusClosedError",
    "DecodeError",
    "EmitManyError",
    "EncodeError",
    "EventBusError",
    "InstanceIdInUseError",
    "InvalidMessageError",
    "InvalidOptionError",
    "MessageTooLargeError",
    "NoRespondersError",
    "NotStartedError",
    "PluginLoadError",
    "RemoteHandlerError",
    "RequestTimeoutError",
    "TargetNotFoundError",
    "TransportUnavailableError",
    "UnknownTransportError",
    "UnsupportedError",
}
REQUIRED = ERRORS | {
    "DeadLetter",
    "EventBus",
    "EventMode",
    "Message",
    "Reject",
    "Retry",
    "RetryPolicy",
}


def test_all_is_sorted_without_repeats() -> None:
    names = list(eventbus_core.__all__)
    assert names == sorted(set(names))


def test_every_exported_name_exists() -> None:
    assert [name for name in eventbus_core.__all__ if not hasattr(eventbus_core, name)] == []


def test_the_promised_names_are_exported() -> None:
    assert REQUIRED - set(eventbus_core.__all__) == set()


def test_every_error_is_in_one_tree() -> None:
    errors = [getattr(eventbus_core, name) for name in sorted(ERRORS)]
    assert [cls for cls in errors if not issubclass(cls, eventbus_core.EventBusError)] == []


def test_handler_signals_are_no_errors_of_the_bus() -> None:
    for signal in (eventbus_core.Reject, eventbus_core.Retry):
        assert issubclass(signal, Exception)
        assert not issubclass(signal, eventbus_core.EventBusError)


def test_errors_that_are_also_built_in_ones() -> None:
    assert issubclass(eventbus_core.InvalidOptionError, ValueError)
    assert issubclass(eventbus_core.InvalidMessageError, ValueError)
    assert issubclass(eventbus_core.TransportUnavailableError, ConnectionError)
    assert issubclass(eventbus_core.RequestTimeoutError, TimeoutError)
