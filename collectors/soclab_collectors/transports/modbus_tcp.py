"""Modbus TCP on pymodbus, with LabJack's function 76, and strict about every answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

from soclab_collectors.errors import BadReplyError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

UNIT: Final = 1

# pymodbus reports every failure to its logger as well; the unit does that, once per outage.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class DeviceRefusedError(Exception):
    """The device answered with a Modbus exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class _StrictRead(ReadHoldingRegistersResponse):
    """pymodbus accepts trailing bytes and odd byte counts."""

    def decode(self, data: bytes) -> None:
        if len(data) != 1 + data[0] or data[0] % 2:
            raise ValueError("byte count and length disagree")
        super().decode(data)


class _Feedback(ModbusPDU):
    """Function 76: reads and writes of registers anywhere, in one command."""

    function_code = 76

    def __init__(self, body: bytes = b"") -> None:
        super().__init__(dev_id=UNIT)
        self.body = body

    def encode(self) -> bytes:
        return self.body

    def decode(self, data: bytes) -> None:
        self.body = data


class ModbusTcp:
    """A connection that is made when first needed and dropped after any doubtful answer."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self.where = f"{host}:{port}"
        self._timeout_s = timeout_s
        self._received = b""
        self._client = ModbusTcpClient(
            host, port=port, timeout=timeout_s, retries=0, trace_packet=self._trace
        )
        self._client.register(_StrictRead)
        self._client.register(_Feedback)

    def connect(self) -> None:
        """Connect anew."""
        self.close()
        if not self._client.connect():  # type: ignore[no-untyped-call]  # untyped in pymodbus
            raise UnavailableError(
                f"cannot connect to {self.where} within {self._timeout_s:g} s "
                "(switched off? another address? port taken?)"
            )

    def read(self, address: int, count: int) -> bytes:
        """Return ``count`` consecutive registers (function 3)."""
        doing = f"read {count} registers at {address}"
        answer = self._execute(
            doing,
            3,
            lambda: self._client.read_holding_registers(address, count=count, device_id=UNIT),
        )
        if len(answer.registers) != count:
            raise self._doubtful(doing)
        return b"".join(word.to_bytes(2, "big") for word in answer.registers)

    def write_word(self, address: int, value: int) -> None:
        """Write one register (function 6)."""
        doing = f"write {value} to {address}"
        answer = self._execute(
            doing, 6, lambda: self._client.write_register(address, value, device_id=UNIT)
        )
        if answer.address != address or list(answer.registers) != [value]:
            raise self._doubtful(doing)

    def write(self, address: int, data: bytes) -> None:
        """Write consecutive registers (function 16)."""
        doing = f"write {data.hex(' ')} to {address}"
        words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
        answer = self._execute(
            doing, 16, lambda: self._client.write_registers(address, words, device_id=UNIT)
        )
        if answer.address != address or answer.count != len(words):
            raise self._doubtful(doing)

    def feedback(self, body: bytes, answer_bytes: int) -> bytes:
        """Run reads and writes in one command (function 76) and return what was read."""
        doing = f"feedback command {body.hex(' ')}"
        answer = self._execute(doing, 76, lambda: self._client.execute(False, _Feedback(body)))
        if len(answer.body) != answer_bytes:
            raise self._doubtful(doing)
        return bytes(answer.body)

    def close(self) -> None:
        """Disconnect."""
        self._client.close()  # type: ignore[no-untyped-call]  # untyped in pymodbus

    def _execute(self, doing: str, function: int, call: Callable[[], ModbusPDU]) -> Any:
        self._received = b""
        try:
            answer = call()
        except (ConnectionException, OSError) as error:
            self.close()
            raise UnavailableError(f"{self.where}: connection lost: {doing}: {error}") from error
        except ModbusException as error:
            if self._received:
                raise self._doubtful(doing) from error
            self.close()
            raise UnavailableError(
                f"{self.where}: no answer within {self._timeout_s:g} s: {doing}"
            ) from error
        if answer.isError() and answer.function_code == function | 0x80:
            raise DeviceRefusedError(answer.exception_code)
        if answer.function_code != function:
            raise self._doubtful(doing)
        return answer

    def _doubtful(self, doing: str) -> BadReplyError:
        """Drop the connection, so that no rest of this answer is taken for the next one."""
        self.close()
        return BadReplyError(f"{self.where}: {doing}: got {self._received[:64].hex(' ')}")

    def _trace(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            self._received = data
        return data
