# The last part of every script here: a workload stands before it and defines
# `async def workload(units, ...)`, which returns the number of operations it
# counted and the nanoseconds they took. Printed is one line of JSON.
#
# The arguments are the event loop's name, the units, and what else the
# workload wants.
import asyncio
import json
import sys


def new_loop(kind):
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(kind, *arguments):
    loop = new_loop(kind)
    try:
        asyncio.set_event_loop(loop)
        ops, elapsed = loop.run_until_complete(workload(*arguments))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    print(json.dumps({"ops": ops, "ns": elapsed, "ns_per_op": elapsed / ops}))


run(sys.argv[1], *map(int, sys.argv[2:]))
