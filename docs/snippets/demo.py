import asyncio

from eventbus_core.demo import Demo, open_demo
from eventbus_core.monitoring import open_monitor


async def main(demo: Demo) -> None:
    async with open_monitor(demo.url) as monitor:
        while not (letters := await monitor.dead_letters(demo.bus, group="billing")):
            await asyncio.sleep(0.1)
        print(letters[0].group, "-", letters[0].reason)


with open_demo(scenario="poison") as demo:
    asyncio.run(main(demo))
