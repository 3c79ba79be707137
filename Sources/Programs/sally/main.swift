import CommandLine

await Sally.start()
