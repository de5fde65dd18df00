import asyncio


async def save():
    await asyncio.sleep(0.2)
    print("saved")
    return "receipt"


async def request(saving):
    try:
        return await asyncio.shield(saving)
    except asyncio.CancelledError:
        print("request cancelled")
        raise


async def main():
    saving = asyncio.create_task(save())
    handling = asyncio.create_task(request(saving))
    await asyncio.sleep(0.01)
    handling.cancel()
    await asyncio.wait([handling])
    print(f"request {handling.cancelled()}, saving {saving.cancelled()}")
    print(await saving)

    saving = asyncio.create_task(save())
    try:
        await asyncio.wait_for(asyncio.shield(saving), timeout=0.01)
    except asyncio.TimeoutError:
        print("not waiting any longer, but it goes on")
    print(await saving)


asyncio.run(main())
