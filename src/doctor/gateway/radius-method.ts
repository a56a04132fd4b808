import { isTrue, type OcservSettings } from './ocserv-conf.ts'

/** `radius[config=FILE,groupconfig=true,nas-identifier=NAME]` of an `auth`, `enable-auth` or `acct` line. */
export interface RadiusMethod {
  /** Absolute path of radiusclient.conf. */
  readonly config: string
  readonly groupConfig: boolean
  readonly nasIdentifier: string | undefined
}

/** What ocserv takes where `config` is not given. */
const DEFAULT_CONFIG = '/etc/radcli/radiusclient.conf'

/** @returns undefined for another method. */
export function readRadiusMethod(value: string): RadiusMethod | undefined {
  const match = /^radius\s*(?:\[([^\]]*)\]?)?\s*$/.exec(value.trim())
  if (match === null) return undefined
  const options = new Map(
    (match[1] ?? '').split(',').map((each) => {
      const [name = '', ...rest] = each.split('=')
      return [name.trim(), rest.join('=').trim()] as const
    }),
  )
  return {
    config: options.get('config') ?? DEFAULT_CONFIG,
    groupConfig: isTrue(options.get('groupconfig')),
    nasIdentifier: options.get('nas-identifier'),
  }
}

/** The first RADIUS method of the lines with this name. */
export function radiusMethodOf(settings: OcservSettings, name: 'auth' | 'acct'): RadiusMethod | undefined {
  return settings.all(name).flatMap((value) => readRadiusMethod(value) ?? [])[0]
}

/** Methods by which somebody gets in without RADIUS. ocserv itself refuses a second one that asks for a password. */
export function waysAround(settings: OcservSettings): readonly string[] {
  return settings.all('enable-auth').filter((value) => readRadiusMethod(value) === undefined)
}
