import asyncio


async def fetch(item):
    await asyncio.sleep(0.1 * item)
    print(f"fetched {item}")
    return {"id": item, "text": f"item {item}"}


async def process(record):
    await asyncio.sleep(0.01)
    record["text"] = record["text"].upper()
    print(f"processed {record['id']}")
    return record


async def save(record, storage):
    await asyncio.sleep(0.001)
    storage.append(record["text"])
    print(f"saved {record['id']}")


async def chain(item, storage):
    record = await fetch(item)
    record = await process(record)
    await save(record, storage)


async def main():
    storage = []
    await asyncio.gather(*(chain(item, storage) for item in (3, 1, 5)))
    print(", ".join(storage))


asyncio.run(main())
