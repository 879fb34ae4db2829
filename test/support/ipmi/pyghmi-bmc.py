"""pyghmi's BMC with a machine behind it: arguments are its UDP port and the TCP port of the machine's serial line.

Prints "ready" when it serves, then "executed VERB" for each thing the machine was told.
"""

import select
import socket
import sys

import pyghmi.ipmi.bmc as bmc
import pyghmi.ipmi.private.session as session


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Machine(bmc.Bmc):
    def __init__(self, port, serial):
        super().__init__({"admin": "secret"}, port=port, address="127.0.0.1")
        self.powered = "off"
        self.serial = serial
        self.iohandler = serial.sendall

    def serve(self):
        while True:
            session.Session.wait_for_rsp(0.005)
            if not self.sol or not select.select([self.serial], [], [], 0)[0]:
                continue
            data = self.serial.recv(4096)
            if not data:
                return
            self.sol.send_data(data)

    def is_active(self):
        return True

    def get_power_state(self):
        return self.powered

    def execute(self, verb, powered):
        say("executed " + verb)
        self.powered = powered

    def power_on(self):
        self.execute("on", "on")

    def power_off(self):
        self.execute("off", "off")

    def power_cycle(self):
        self.execute("cycle", "on")

    def power_reset(self):
        self.execute("reset", "on")

    def power_shutdown(self):
        self.execute("soft", "off")


port, serial_port = map(int, sys.argv[1:3])
machine = Machine(port, socket.create_connection(("127.0.0.1", serial_port)))
say("ready")
machine.serve()
