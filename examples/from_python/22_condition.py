import asyncio


async def cook(kitchen, plates):
    for dish in ("soup", "fish", "cake"):
        await asyncio.sleep(0.02)
        async with kitchen:
            plates.append(dish)
            print(f"cooked {dish}")
            kitchen.notify_all()


async def guest(name, dish, kitchen, plates):
    async with kitchen:
        await kitchen.wait_for(lambda: dish in plates)
        plates.remove(dish)
        print(f"{name} eats {dish}")


async def main():
    kitchen = asyncio.Condition()
    plates = []
    await asyncio.gather(
        guest("ann", "cake", kitchen, plates),
        guest("bob", "soup", kitchen, plates),
        guest("cid", "fish", kitchen, plates),
        cook(kitchen, plates),
    )
    print(f"left: {len(plates)}")


asyncio.run(main())
