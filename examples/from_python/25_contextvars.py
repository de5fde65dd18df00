import asyncio
import contextvars

request_id = contextvars.ContextVar("request_id", default="none")


async def log(text):
    print(f"[{request_id.get()}] {text}")


async def handle(name):
    request_id.set(name)
    await log("start")
    await asyncio.sleep(0.01)
    await asyncio.to_thread(lambda: print(f"[{request_id.get()}] in a thread"))
    await log("end")


async def main():
    await handle_in_order()
    token = request_id.set("main")
    await asyncio.create_task(log("a task starts with a copy"))
    await asyncio.create_task(handle("child"))
    await log("what the child set stays with the child")
    request_id.reset(token)
    await log("reset")

    context = contextvars.copy_context()
    context.run(request_id.set, "inside")
    print(f"outside {request_id.get()}, in the copy {context.run(request_id.get)}")


async def handle_in_order():
    for name in ("r1", "r2"):
        await asyncio.create_task(handle(name))


asyncio.run(main())
