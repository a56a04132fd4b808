import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Threads and processes of the tests compile what they load once, as the broker's do. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

/** How long a test looks for what must come: a busy machine may need long, and a quiet one does not wait. */
const patience = { poll: { timeout: 30_000 } }

/** Three suites: pure code (fast), real servers on loopback, and a real tunnel in network namespaces. */
export default defineConfig({
  test: {
    // Tests with real servers wait more than they work: on two cores two files at a time are right, too.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/*/**/*.test.ts', 'test/*.test.ts'],
          exclude: ['test/integration/**', 'test/vpn/**'],
          // Pure code leaves nothing behind for the next file, and loading it again for each file takes a third of the time.
          isolate: false,
          // A busy machine must not fail what a quiet one does in half a second.
          testTimeout: 20_000,
          expect: patience,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // With two at a time two cores idle for a fifth of the time.
          maxWorkers: Math.max(3, availableParallelism() - 1),
          testTimeout: 120_000,
          expect: patience,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'vpn',
          include: ['test/vpn/**/*.test.ts'],
          testTimeout: 120_000,
          expect: patience,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
