import type { z } from 'zod'
import type { IdentityProvider } from '../domain/identity-provider.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Secret } from '../domain/secret.ts'
import type { Path, Report } from './config-error.ts'

/** What a provider is made with, beside its settings. */
export interface ProviderContext extends Pick<Runtime, 'clock' | 'random' | 'log'> {
  /** As the configuration calls the identity store. */
  readonly name: string
  /** The provider of the broker's own users; absent where the records are not open. */
  readonly local?: IdentityProvider
}

export interface CreatedProvider {
  readonly provider: IdentityProvider
  close?(): Promise<void>
}

export interface SecretFileKey {
  /** Below the store, with `*` for every position of a list: `['servers', '*', 'secret_file']`. */
  readonly path: readonly string[]
  /** Reports faults of the secret itself. */
  check?(secret: Secret, path: Path, report: Report): void
}

/**
 * A type of identity provider: all that the configuration and the broker know of it. A new one needs such an object in
 * its own folder, and a place in the list of `identity/registry.ts`.
 */
export interface ProviderType<Keys extends z.ZodRawShape = z.ZodRawShape> {
  /** The value of `type:` in the configuration. */
  readonly type: string
  /** The keys that no other type has. */
  readonly schema: z.ZodObject<Keys>
  /** Keys that name files; the settings that `create` is given have absolute paths there. */
  readonly files?: readonly (readonly string[])[]
  /** Keys that name files with a secret; `create` finds the secret of `…_file` under the key without `_file`. */
  readonly secretFiles?: readonly SecretFileKey[]
  /**
   * Reports faults that involve several keys.
   * @param path the store's place in the file. @param isLast whether no other store is asked after it.
   */
  check?(path: Path, report: Report, isLast: boolean): void
  /**
   * @returns undefined if the provider needs the records and they are not open.
   * @throws Error if the settings cannot be used, such as a malformed filter.
   */
  create(
    settings: z.output<z.ZodObject<Keys>>,
    context: ProviderContext,
  ): Promise<CreatedProvider | undefined>
}
