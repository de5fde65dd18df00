import asyncio


class Connection:
    def __init__(self, name):
        self.name = name

    async def __aenter__(self):
        await asyncio.sleep(0.01)
        print(f"open {self.name}")
        return self

    async def __aexit__(self, kind, error, traceback):
        await asyncio.sleep(0.01)
        print(f"close {self.name}: {error}")
        return isinstance(error, KeyError)

    async def query(self, text):
        await asyncio.sleep(0.01)
        if text == "bad":
            raise ValueError("bad query")
        if text == "missing":
            raise KeyError("missing row")
        return f"{text} on {self.name}"


async def main():
    async with Connection("db") as connection:
        print(await connection.query("select"))

    try:
        async with Connection("db") as connection:
            await connection.query("bad")
    except ValueError as error:
        print(f"came through: {error}")

    async with Connection("db") as connection:
        await connection.query("missing")
    print("swallowed")


asyncio.run(main())
