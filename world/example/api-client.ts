/** The example uses the platform as an operator does: through its API. */

export interface ApiClient {
  get<T>(path: string): Promise<T>
  /** As `get`; undefined when there is no such thing. */
  find<T>(path: string): Promise<T | undefined>
  /** Throws with the platform's own words when it refuses; a conflict may be declared fine and then gives undefined. */
  send<T>(
    method: 'POST' | 'PUT',
    path: string,
    body: unknown,
    options?: { readonly conflictIsFine: boolean },
  ): Promise<T | undefined>
}

/** @param origin  `http://127.0.0.1:8000` */
export function apiClient(origin: string, token: string): ApiClient {
  async function call(method: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
    const response = await fetch(`${origin}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await response.text() }
  }
  return {
    async get<T>(path: string) {
      const { status, text } = await call('GET', path, undefined)
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`)
      return JSON.parse(text) as T
    },
    async find<T>(path: string) {
      const { status, text } = await call('GET', path, undefined)
      if (status === 404) return undefined
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`)
      return JSON.parse(text) as T
    },
    async send<T>(method: 'POST' | 'PUT', path: string, body: unknown, options = { conflictIsFine: false }) {
      const { status, text } = await call(method, path, body)
      if (status === 409 && options.conflictIsFine) return undefined
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
      return JSON.parse(text) as T
    },
  }
}
