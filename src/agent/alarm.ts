/** A wait that can be cut short. A ring while nobody waits ends the next wait at once. */
export class Alarm {
  #isRung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }

  /** Forgets a ring that nobody has waited for. */
  clear(): void {
    this.#isRung = false
  }

  /** @param ms absent: until it rings. @param signal ends the wait, too. @returns whether it rang. */
  async wait(ms: number | undefined, signal: AbortSignal): Promise<boolean> {
    if (!this.#isRung && !signal.aborted)
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
        signal.addEventListener('abort', this.#wake, { once: true })
      })
    if (this.#wake !== undefined) signal.removeEventListener('abort', this.#wake)
    this.#wake = undefined
    const hasRung = this.#isRung
    this.#isRung = false
    return hasRung
  }
}
