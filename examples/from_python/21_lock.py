import asyncio

balance = 100


async def withdraw(name, amount, lock):
    global balance
    async with lock:
        print(f"{name} sees {balance}")
        if balance < amount:
            print(f"{name} is refused")
            return
        await asyncio.sleep(0.01)
        balance -= amount
        print(f"{name} leaves {balance}")


async def main():
    lock = asyncio.Lock()
    await asyncio.gather(
        withdraw("ann", 60, lock), withdraw("bob", 60, lock), withdraw("cid", 40, lock)
    )
    print(f"balance {balance}, locked {lock.locked()}")

    await lock.acquire()
    try:
        print(f"locked {lock.locked()}")
    finally:
        lock.release()
    try:
        lock.release()
    except RuntimeError as error:
        print(f"RuntimeError: {error}")


asyncio.run(main())
