/** Why a sealed or compressed body could not be opened. The message is plain English and holds no secret. */
export interface EnvelopeProblem {
  readonly code: 'not-salted' | 'bad-key' | 'truncated' | 'too-large' | 'bad-gzip' | 'bad-record' | 'no-key'
  readonly message: string
}

export function envelopeProblem(code: EnvelopeProblem['code'], message: string): EnvelopeProblem {
  return { code, message }
}
