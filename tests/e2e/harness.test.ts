// The harness itself: both browsers really run in the test network, and reach each other's namespace.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Client } from './client.ts'
import { labTest, lanAddress } from './harness.ts'

let server: Server
let url = ''

// A page as strict as ours: no inline script, so that waiting and reading must work under such a policy too.
beforeAll(async () => {
  server = createServer((_, response) => {
    response.setHeader(
      'content-security-policy',
      "default-src 'none'; img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
    )
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><title>t</title><input type="text" aria-label="Message">
      <button>Send</button><div role="status" data-state="connected" data-route="direct"></div>
      <div role="log" aria-label="Messages"><article data-id="1" data-state="sent" data-author="a">
      <p data-part="text">hello</p></article></div>`)
  })
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done))
  url = `:${(server.address() as AddressInfo).port}/`
})

afterAll(() => new Promise((done) => server.close(done)))

async function looksRight(client: Client): Promise<void> {
  await client.waitConnected(10_000)
  await client.send('typed')
  await client.waitMessage('hello', 'sent', 'delivered')
  expect(await client.messages()).toEqual([{ id: '1', state: 'sent', author: 'a', text: 'hello' }])
}

/** The addresses that the browser offers for ICE; mDNS names count as one. */
function candidates(client: Client): Promise<number> {
  return client.driver.read(async () => {
    const peer = new RTCPeerConnection()
    peer.createDataChannel('probe')
    await peer.setLocalDescription()
    await new Promise<void>((done) => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done()
    })
    const count = peer.localDescription?.sdp.match(/a=candidate/g)?.length ?? 0
    peer.close()
    return count
  }, null) as unknown as Promise<number>
}

labTest('Chromium opens a strict page and gathers candidates', async (lab) => {
  const client = await lab.chromium('ann')
  await client.driver.goto(`http://127.0.0.1${url}`)
  await looksRight(client)
  expect(await candidates(client)).toBeGreaterThan(0)
})

labTest('Firefox opens a strict page and gathers candidates', async (lab) => {
  const client = await lab.firefox('ben')
  await client.driver.goto(`http://127.0.0.1${url}`)
  await looksRight(client)
  expect(await candidates(client)).toBeGreaterThan(0)
})

labTest('a Chromium elsewhere reaches the LAN address only', async (lab) => {
  const client = await lab.elsewhere('cay')
  await client.driver.goto(`http://${lanAddress}${url}`)
  await looksRight(client)
  expect(await candidates(client)).toBeGreaterThan(0)
  await expect(client.driver.goto(`http://127.0.0.1${url}`)).rejects.toThrow(
    'ERR_CONNECTION_REFUSED',
  )
})
