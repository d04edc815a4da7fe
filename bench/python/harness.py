# The last part of every script here: a workload stands before it and defines
# `workload(units, ...)`, which returns the number of operations it counted and
# what it measured: the nanoseconds they took, or bytes. If it is an `async def`,
# it runs on an event loop, or in trio. Printed is one line of JSON.
#
# The arguments are the event loop's name, or that of whatever else the workload
# shows, the units, and what else the workload wants.
import asyncio
import json
import sys


def new_loop(kind):
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(kind, *arguments):
    if not asyncio.iscoroutinefunction(workload):
        return workload(*arguments)
    if kind == "trio":
        import trio

        return trio.run(workload, *arguments)
    loop = new_loop(kind)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(workload(*arguments))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


ops, measured = run(sys.argv[1], *map(int, sys.argv[2:]))
print(json.dumps({"ops": ops, "measured": measured, "per_op": measured / ops}))
