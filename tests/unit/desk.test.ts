// A request is carried out once however often it is sent, and a device cannot make the host publish without end (SPEC §7.3).
import { expect, test } from 'vitest'
import { ANSWER_KEPT_MS, REQUEST_BURST, REQUEST_EACH_MS, RequestDesk } from '../../host/desk.ts'
import type { Asker } from '../../host/requests.ts'
import type { Answer, Request } from '../../shared/requests.ts'

const ANN: Asker = { device: 'a1', member: 'a' }
const BEN: Asker = { device: 'b1', member: 'b' }
const WITHDRAW: Request = { kind: 'withdraw', id: new Uint8Array(16) }
const TOO_MANY: Answer = { kind: 'failed', code: 'too-many' }

function scene(carryOut?: () => Promise<Answer>) {
  const clock = { nowMs: 1000 }
  const done: string[] = []
  const answers = new RequestDesk({
    nowMs: () => clock.nowMs,
    carryOut: async ({ device }) => {
      done.push(device)
      return carryOut === undefined ? { kind: 'done' } : carryOut()
    },
  })
  const ask = (asker: Asker, token: number) => answers.answer(asker, token, WITHDRAW)
  return { clock, done, ask }
}

test('the same token gets the same answer, also while it is carried out; another device’s is another request', async () => {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const { done, ask } = scene(() => promise)
  const both = [ask(ANN, 1), ask(ANN, 1)]
  const link: Answer = {
    kind: 'link',
    invite: new Uint8Array(16),
    ...{ expiresAtMs: 1, reach: 'lan', link: 'http://a/#b' },
  }
  resolve(link)
  expect(await Promise.all(both)).toEqual([link, link])
  expect(await ask(ANN, 1)).toEqual(link)
  expect(done).toEqual(['a1'])
  await ask(BEN, 1)
  await ask(ANN, 2)
  expect(done).toEqual(['a1', 'b1', 'a1'])
})

test('after a minute the token is forgotten', async () => {
  const { clock, done, ask } = scene()
  await ask(ANN, 1)
  clock.nowMs += ANSWER_KEPT_MS - 1
  await ask(ANN, 1)
  expect(done).toHaveLength(1)
  clock.nowMs += 1
  await ask(ANN, 1)
  expect(done).toHaveLength(2)
})

test('beyond the burst a request is refused and does nothing; time gives one back, and others are not held up', async () => {
  const { clock, done, ask } = scene()
  for (let token = 0; token < REQUEST_BURST; token++) await ask(ANN, token)
  expect(await ask(ANN, 100)).toEqual(TOO_MANY)
  expect(done).toHaveLength(REQUEST_BURST)
  expect(await ask(BEN, 100)).toEqual({ kind: 'done' })
  // What was answered is answered again: that costs nothing.
  expect(await ask(ANN, 0)).toEqual({ kind: 'done' })
  clock.nowMs += REQUEST_EACH_MS - 1
  expect(await ask(ANN, 100)).toEqual(TOO_MANY)
  clock.nowMs += 1
  expect(await ask(ANN, 100)).toEqual({ kind: 'done' })
  expect(await ask(ANN, 101)).toEqual(TOO_MANY)
  clock.nowMs += 1000 * REQUEST_EACH_MS
  for (let token = 200; token < 200 + REQUEST_BURST; token++) await ask(ANN, token)
  expect(await ask(ANN, 300)).toEqual(TOO_MANY)
})

test('what broke is forgotten, so that it can be tried again', async () => {
  let broken = true
  const { done, ask } = scene(async () => {
    if (broken) throw new Error('disk')
    return { kind: 'done' }
  })
  await expect(ask(ANN, 1)).rejects.toThrow('disk')
  broken = false
  expect(await ask(ANN, 1)).toEqual({ kind: 'done' })
  expect(done).toHaveLength(2)
})
