// The port moves three times: an open session does not notice, and a page that was closed finds the host again.
import { expect } from 'vitest'
import { freePort, labTest } from './harness.ts'

// An epoch must last longer than a browser needs to start, join and dial, on a busy machine too.
const fast = ['--rotate-every', '20s', '--notice', '4s', '--grace', '6s']

labTest(
  'three rotations with a session open and a fresh page after each',
  async (lab) => {
    const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`, ...fast])
    const ann = await lab.chromium('Ann')
    const ben = await lab.chromium('Ben')
    await ann.join(String(ready.invite))
    await ben.join(await host.invite())
    const texts: string[] = []
    const ports = [ready.port]
    let from = host.events.length
    for (let round = 1; round <= 3; round++) {
      const before = `round ${round}, before`
      await ann.send(before)
      const rotated = await host.waitFor('rotated', undefined, from)
      from = host.events.indexOf(rotated) + 1
      ports.push(rotated.port)
      expect(rotated.port).not.toBe(rotated.previousPort)

      // Only when the old port is gone does the session prove that it has moved.
      await host.waitFor('closed', (event) => event.port === rotated.previousPort, 0)
      const after = `round ${round}, after`
      await ann.send(after)
      await ben.waitMessage(after)
      await ann.waitMessage(after, 'delivered')
      texts.push(before, after)

      const late = await lab.chromium(`Late ${round}`)
      await late.join(await host.invite())
      await late.waitMessage(after)
      expect(await late.texts()).toEqual(texts)
      await ben.driver.reload()
      await ben.waitConnected()
    }
    for (const client of [ann, ben]) {
      for (const text of texts) await client.waitMessage(text)
      expect(await client.texts(), client.name).toEqual(texts)
    }
    for (let i = 1; i < ports.length; i++) expect(ports[i]).not.toBe(ports[i - 1])
  },
  240_000,
)
