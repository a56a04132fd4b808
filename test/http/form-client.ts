import { ask, type HttpAnswer } from './ask.ts'

/** What a browser would send beside the form; a header that is undefined is left out. */
type Headers = Readonly<Record<string, string | undefined>>

/** A browser without eyes: it keeps cookies, follows redirections and fills in the form's token. */
export class FormClient {
  readonly #url: string
  readonly #cookies = new Map<string, string>()
  readonly #from: string | undefined
  #csrf = ''

  /** @param from the own address, on loopback. */
  constructor(url: string, from?: string) {
    this.#url = url
    this.#from = from
  }

  /** The token of the page that was shown last. */
  get csrf(): string {
    return this.#csrf
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Takes over another's cookies, as an attacker who has them, or has planted them. */
  takeCookie(cookie: string): void {
    this.#cookies.clear()
    for (const pair of cookie.split('; ').filter((each) => each !== '')) {
      const equals = pair.indexOf('=')
      this.#cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
  }

  async get(path: string, headers: Headers = {}): Promise<HttpAnswer> {
    return this.#follow(await this.#ask(path, 'GET', headers))
  }

  /** The same, without following a redirection. */
  getOnly(path: string): Promise<HttpAnswer> {
    return this.#ask(path, 'GET', {})
  }

  /** @param fields `csrf` is filled in where it is not given. */
  async post(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    headers: Headers = {},
  ): Promise<HttpAnswer> {
    return this.#follow(await this.postOnly(path, fields, headers))
  }

  /** The same, without following a redirection. */
  postOnly(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    headers: Headers = {},
  ): Promise<HttpAnswer> {
    const body = new URLSearchParams({ csrf: this.#csrf, ...fields }).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.#ask(path, 'POST', { origin: this.#url, ...type, ...headers }, body)
  }

  async #follow(answer: HttpAnswer): Promise<HttpAnswer> {
    const { location } = answer.headers
    return answer.status === 303 && location !== undefined ? this.get(location) : answer
  }

  async #ask(path: string, method: string, more: Headers, body?: string): Promise<HttpAnswer> {
    const wanted = { accept: 'text/html', 'accept-language': 'en', cookie: this.cookie, ...more }
    const given = Object.entries(wanted).filter((entry): entry is [string, string] => !!entry[1])
    const headers = Object.fromEntries(given)
    const answer = await ask(this.#url + path, { method, headers, body, from: this.#from })
    for (const cookie of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      this.#cookies.set(name, value)
    }
    this.#csrf = /name="csrf" value="([^"]+)"/.exec(answer.text)?.[1] ?? this.#csrf
    return answer
  }
}

/** The key of the picture that is shown, in base32; undefined where there is none. */
export function keyOn({ text }: HttpAnswer): string | undefined {
  return /id="key" data-value="([A-Z2-7]+)"/.exec(text)?.[1]
}

export function headingOf({ text }: HttpAnswer): string | undefined {
  return /<h1>([^<]*)<\/h1>/.exec(text)?.[1]
}

/** What the page says went wrong. */
export function problemOn({ text }: HttpAnswer): string | undefined {
  return /role="alert"[^>]*><p>([^<]*)</.exec(text)?.[1]
}
