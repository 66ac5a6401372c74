"""A Modbus RTU server by other people: eight coils at address 1 on the terminal of argument 1.

Prints one line for each answer that it gives: `answer FUNCTION COIL BITS EXCEPTION`, as pymodbus understood it.
"""

import sys

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.framer import FramerType
from pymodbus.server import StartSerialServer


asked = [0]


def told(sending, pdu):
    if not sending:
        asked[0] = pdu.address
    else:
        bits = "".join(str(int(bit)) for bit in getattr(pdu, "bits", [])[:8])
        code = getattr(pdu, "exception_code", 0)
        print(f"answer {pdu.function_code} {asked[0]} {bits or '-'} {code}", flush=True)
    return pdu


def connected(is_connected):
    if is_connected:
        print("ready", flush=True)


coils = ModbusDeviceContext(co=ModbusSequentialDataBlock(1, [False] * 8))
StartSerialServer(
    ModbusServerContext(devices={1: coils}, single=False),
    framer=FramerType.RTU,
    port=sys.argv[1],
    baudrate=9600,
    trace_pdu=told,
    trace_connect=connected,
)
