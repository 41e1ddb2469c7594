// Firefox sends nothing to loopback addresses, so it reaches the host over the LAN address in the record.
import { expect } from 'vitest'
import { freePort, labTest } from './harness.ts'

labTest('Firefox joins, chats with Chromium both ways, and survives a reload', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  const fox = await lab.firefox('Fox')
  await ann.join(String(ready.invite))
  await fox.join(await host.invite())
  await fox.send('from Firefox')
  await ann.waitMessage('from Firefox')
  await fox.waitMessage('from Firefox', 'delivered')
  await ann.send('from Chromium')
  await fox.waitMessage('from Chromium')
  await ann.waitMessage('from Chromium', 'delivered')
  await fox.driver.reload()
  await fox.waitConnected()
  await fox.waitMessage('from Chromium')
  expect(await fox.texts()).toEqual(['from Firefox', 'from Chromium'])
})
