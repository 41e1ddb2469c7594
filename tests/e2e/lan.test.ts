// Another computer on the same network opens the --lan link: plain http, so the page has no crypto.subtle.
import { expect } from 'vitest'
import { freePort, labTest, lanAddress } from './harness.ts'

labTest('a Chromium on another computer joins by the --lan link and chats', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`, '--lan'])
  const link = String(ready.invite)
  expect(new URL(link).hostname).toBe(lanAddress)
  expect(ready.pages).toContainEqual(
    expect.objectContaining({
      reach: 'lan',
      secure: false,
      url: expect.stringContaining(lanAddress),
    }),
  )
  const there = await lab.elsewhere('There')
  await there.join(link)
  expect(await there.driver.read(() => [isSecureContext, typeof crypto.subtle], null)).toEqual([
    false,
    'undefined',
  ])
  const here = await lab.chromium('Here')
  await here.join(await host.invite())
  await there.send('from the other room')
  await here.waitMessage('from the other room')
  await there.waitMessage('from the other room', 'delivered')
  await here.send('from this one')
  await there.waitMessage('from this one')
  await there.driver.reload()
  await there.waitConnected()
  await there.waitMessage('from this one')
  expect(await there.texts()).toEqual(['from the other room', 'from this one'])
  await there.waitText('This page came without https.')
})
