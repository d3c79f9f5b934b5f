/** TFTP answers, counted for the metrics as the other doors' are. */
import { metrics, type RequestOutcome } from '../metrics/mod.ts'
import type { TftpAnswer } from './tftp/mod.ts'

/** The file may still be on its way when its answer is counted: transfers have numbers of their own. */
export async function countedTftp(answer: () => Promise<TftpAnswer>): Promise<TftpAnswer> {
  const cameAt = performance.now()
  let outcome: RequestOutcome = 'failed'
  try {
    const answered = await answer()
    outcome = outcomeOf(answered)
    return answered
  } finally {
    metrics.requests.inc({ door: 'tftp', outcome })
    metrics.observeRequest('tftp', performance.now() - cameAt)
  }
}

function outcomeOf(answer: TftpAnswer): RequestOutcome {
  if (answer.kind === 'accepted') return 'empty'
  if (answer.kind === 'error') return answer.code === 0 ? 'later' : 'refused'
  return answer.close === undefined ? 'profile' : 'file'
}
