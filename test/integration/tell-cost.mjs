// Preloaded into a program: at its end it says what it cost, and which packages it loaded.
import { writeSync } from 'node:fs'
import { registerHooks } from 'node:module'

const packages = new Set()
registerHooks({
  load(url, context, next) {
    const name = /\/node_modules\/(@[^/]+\/[^/]+|[^/]+)\//.exec(url)?.[1]
    if (name !== undefined) packages.add(name)
    return next(url, context)
  },
})
process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  writeSync(2, `COST ${Math.round((user + system) / 1000)} ${[...packages].join(' ')}\n`)
})
