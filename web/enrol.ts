// Mode 1 (SPEC §6.3): the one question of a session whose credential is an invite.
import { ClawError } from '../shared/error.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { Runtime } from './runtime.ts'
import type { Session } from './session.ts'

const ANSWER_MS = 15_000

/** Closes the session. Throws ClawError: the host's reason (SPEC §9), or `no-answer`. */
export async function askToEnrol(
  session: Session,
  name: string,
  runtime: Runtime,
): Promise<Extract<ClawMessage, { type: 'enrol-ok' }>> {
  const cancel = runtime.after(ANSWER_MS, () => session.close())
  const answer = await new Promise<ClawMessage>((resolve, reject) => {
    session.run(resolve, () => reject(new ClawError('no-answer')))
    session.send({ type: 'enrol', name })
  }).finally(cancel)
  session.close()
  if (answer.type === 'enrol-fail') throw new ClawError(answer.code)
  if (answer.type !== 'enrol-ok') throw new ClawError('handshake-failed')
  return answer
}
