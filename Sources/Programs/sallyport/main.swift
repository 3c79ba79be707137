import Server

await SallyportCommand.start()
