import type { FormClient } from './form-client.ts'

/** A browser without eyes at the provider of the single sign-on, with the cookies that it has there. */
export class ProviderClient {
  readonly #cookies = new Map<string, string>()

  /**
   * Goes from the broker's button to the provider, signs in there, and comes back as far as the broker's door.
   * @returns the path to which the provider sends the browser back.
   */
  async signOn(client: FormClient, user: string, button = '/sign-in/sso'): Promise<string> {
    const begun = await client.getOnly(button)
    return this.#follow(begun.headers.location ?? '', user)
  }

  async #follow(start: string, user: string): Promise<string> {
    let url = start
    let body: string | undefined
    for (let hops = 0; hops < 10; hops++) {
      const response = await this.#ask(url, body)
      body = undefined
      const location = response.headers.get('location')
      if (location !== null) {
        const next = new URL(location, url)
        if (next.pathname.endsWith('/sign-in/sso/callback')) return `${next.pathname}${next.search}`
        url = next.href
      } else if (url.includes('/interaction/')) body = `user=${user}`
      else throw new Error(`${url}: ${response.status} ${await response.text()}`)
    }
    throw new Error('the provider sends the browser round in circles')
  }

  async #ask(url: string, body: string | undefined): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { cookie, ...(body !== undefined && form) },
      body,
      redirect: 'manual',
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      this.#cookies.set(name, value)
    }
    return response
  }
}
