#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { listenToSignals } from './app/signals.ts'

// Loading the rest takes half a second, in which a signal must be heard already.
if (process.argv[2] === 'serve') listenToSignals()
// Threads and workers take the folder from the environment. It is not one that all users of the machine share: a
// user who can write compiled code into it decides what this process does.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url))
enableCompileCache(process.env.NODE_COMPILE_CACHE)
const { run } = await import('./cli/program.ts')
process.exitCode = await run(process.argv)
