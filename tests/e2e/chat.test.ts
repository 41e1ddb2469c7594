// Two people in two Chromium profiles talk through a real host, over the direct route, whatever happens to it.
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'
import type { Host } from './host.ts'

interface Pair {
  host: Host
  ann: Client
  ben: Client
  args: string[]
}

async function pair(lab: Lab, ...options: string[]): Promise<Pair> {
  const args = ['--http', `127.0.0.1:${freePort()}`, ...options]
  const { host, ready } = await lab.host(args)
  const ann = await lab.chromium('Ann')
  const ben = await lab.chromium('Ben')
  await ann.join(String(ready.invite))
  await ben.join(await host.invite())
  return { host, ann, ben, args }
}

/** Both see exactly these texts, in this order, each once. */
async function bothSee(pair: Pair, texts: readonly string[]): Promise<void> {
  for (const client of [pair.ann, pair.ben]) {
    for (const text of texts) await client.waitMessage(text)
    const seen = await client.messages()
    expect(
      seen.map((message) => message.text),
      client.name,
    ).toEqual(texts)
    expect(new Set(seen.map((message) => message.id)).size, client.name).toBe(texts.length)
  }
}

labTest(
  'two people chat both ways, and a message is delivered once the other has it',
  async (lab) => {
    const two = await pair(lab)
    await two.ann.send('Hello Ben')
    await two.ben.waitMessage('Hello Ben')
    await two.ann.waitMessage('Hello Ben', 'delivered')
    await two.ben.send('Hello Ann, 你好 <b>&amp;</b>')
    await two.ann.waitMessage('Hello Ann, 你好 <b>&amp;</b>')
    await two.ben.waitMessage('Hello Ann, 你好 <b>&amp;</b>', 'delivered')
    await bothSee(two, ['Hello Ben', 'Hello Ann, 你好 <b>&amp;</b>'])

    const [first, second] = await two.ann.messages()
    expect(first?.author).not.toBe(second?.author)
    expect((await two.ben.messages()).map((m) => [m.id, m.author])).toEqual([
      [first?.id, first?.author],
      [second?.id, second?.author],
    ])
  },
)

labTest('nobody else there: a message is sent, not delivered', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  await ann.send('Anyone?')
  await ann.waitMessage('Anyone?', 'sent')
})

labTest('the secret leaves the address bar', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  expect(await ann.driver.read(() => location.hash, null)).toBe('')
})

labTest('a reload keeps the history and the device', async (lab) => {
  const two = await pair(lab)
  await two.ann.send('before')
  await two.ben.waitMessage('before')
  await two.ben.driver.reload()
  await two.ben.waitConnected()
  await two.ben.waitMessage('before')
  await two.ben.send('after')
  await two.ann.waitMessage('after')
  await bothSee(two, ['before', 'after'])
})

labTest('who joins late reads what was said before', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  const texts = Array.from({ length: 12 }, (_, i) => `early ${i}`)
  for (const text of texts) await ann.send(text)
  await ann.waitMessage('early 11', 'sent')
  const ben = await lab.chromium('Ben')
  await ben.join(await host.invite())
  for (const text of texts) await ben.waitMessage(text)
  expect(await ben.texts()).toEqual(texts)
})

labTest(
  'what is written while the host is down goes out after its return, also across a reload',
  async (lab) => {
    const two = await pair(lab)
    await two.ann.send('one')
    await two.ben.waitMessage('one')
    expect(await two.host.stop()).toBe(0)
    await two.ann.waitDisconnected()
    await two.ann.send('two')
    await two.ann.send('three')
    await two.ann.waitMessage('three', 'sending')
    await lab.host(two.args)
    await two.ann.waitConnected()
    await two.ben.waitConnected()
    await bothSee(two, ['one', 'two', 'three'])
    await two.ann.waitMessage('three', 'delivered')

    // The outbox is on the device's disk: what is typed in the same moment as a reload survives it.
    await two.ann.send('four')
    await two.ann.waitMessage('four')
    await two.ann.driver.reload()
    await two.ann.waitConnected()
    await bothSee(two, ['one', 'two', 'three', 'four'])
  },
)

labTest(
  'kill -9 in the middle of a conversation: nothing lost, doubled or out of order',
  async (lab) => {
    const two = await pair(lab)
    const texts: string[] = []
    const say = async (text: string) => {
      texts.push(text)
      await two.ann.send(text)
    }
    let host = two.host
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) await say(`round ${round} message ${i}`)
      // No wait here: some of these are on the host's disk, some only on Ann's, which is the point.
      await host.kill()
      for (let i = 5; i < 8; i++) await say(`round ${round} message ${i}`)
      host = (await lab.host(two.args)).host
      await two.ann.waitConnected()
      await two.ben.waitConnected()
    }
    await bothSee(two, texts)
    await two.ann.waitMessage(texts.at(-1) ?? '', 'delivered')
  },
  240_000,
)

labTest(
  'a message the page showed as sent is on the disk of a host that is killed at once',
  async (lab) => {
    const args = ['--http', `127.0.0.1:${freePort()}`]
    const { host, ready } = await lab.host(args)
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await ann.send('kept')
    await ann.waitMessage('kept', 'sent')
    await host.kill()
    const again = await lab.host(args)
    const ben = await lab.chromium('Ben')
    await ben.join(await again.host.invite())
    await ben.waitMessage('kept')
    expect(await ben.texts()).toEqual(['kept'])
  },
)
