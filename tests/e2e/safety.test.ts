// Safety codes compared by camera, in a real Chromium whose camera is a film: the same, another, something else, no camera.
import { writeFileSync } from 'node:fs'
import { encode } from 'uqr'
import { expect } from 'vitest'
import { formatSafetyQr } from '../../shared/safety.ts'
import { inBrowser } from './browser.ts'
import { freePort, labTest } from './harness.ts'

const WIDTH = 640
const HEIGHT = 480

/** A film (YUV4MPEG2) that shows this text as a QR code, a little out of the middle as a hand would hold it. */
function film(text: string): Buffer {
  const { data, size } = encode(text, { border: 4 })
  const scale = Math.floor((HEIGHT * 0.8) / size)
  const luma = Buffer.alloc(WIDTH * HEIGHT, 170)
  for (let y = 0; y < size * scale; y++)
    for (let x = 0; x < size * scale; x++) {
      const isDark = data[Math.floor(y / scale)]?.[Math.floor(x / scale)]
      luma[(y + 37) * WIDTH + x + 150] = isDark ? 25 : 230
    }
  const frame = Buffer.concat([
    Buffer.from('FRAME\n'),
    luma,
    Buffer.alloc((WIDTH * HEIGHT) / 2, 128),
  ])
  const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`)
  return Buffer.concat([head, frame, frame])
}

labTest('two codes are compared by camera, and the page says the result', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const path = lab.path('camera.y4m')
  const args = [
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${path}`,
  ]
  await inBrowser(
    {},
    async (page) => {
      await page.goto(String(ready.invite))
      await page.getByRole('textbox', { name: 'Your name' }).fill('Ann')
      await page.getByRole('button', { name: 'Join' }).click()
      await page.getByRole('textbox', { name: 'Message' }).waitFor()
      await page.getByRole('button', { name: 'Security' }).click()
      await page.locator('dialog .code span').first().waitFor()
      const code = (await page.locator('dialog .code span').allTextContents()).map((text) =>
        text.trim(),
      )
      expect(code).toHaveLength(12)
      const other = [
        ...code.slice(0, 11),
        String((Number(code[11]) + 1) % 100_000).padStart(5, '0'),
      ]
      for (const [text, finding, words] of [
        [formatSafetyQr(code), 'same', 'The same code.'],
        [formatSafetyQr(other), 'other', 'do not trust this'],
        ['https://claw.example/', 'foreign', 'That is no safety code.'],
      ] as const) {
        writeFileSync(path, film(text))
        await page.getByRole('button', { name: 'Compare by camera' }).click()
        const said = page.locator(`dialog [role="status"][data-finding="${finding}"]`)
        await said.waitFor()
        expect(await said.textContent()).toContain(words)
        const hint = page.getByText('Same numbers on the host?')
        expect(await hint.count()).toBe(finding === 'other' ? 0 : 1)
        // The camera is off once there is a result.
        if (finding !== 'foreign') expect(await page.locator('dialog video').count()).toBe(0)
        await page.screenshot({ path: `tests/out/safety-${finding}.png` })
        await page.getByRole('button', { name: 'Stop comparing' }).click()
      }
      expect(await page.locator('dialog video').count()).toBe(0)
    },
    args,
  )
})

labTest('without a camera the page says so, and the numbers are there', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  await inBrowser({}, async (page) => {
    await page.goto(String(ready.invite))
    await page.getByRole('textbox', { name: 'Your name' }).fill('Ann')
    await page.getByRole('button', { name: 'Join' }).click()
    await page.getByRole('textbox', { name: 'Message' }).waitFor()
    await page.getByRole('button', { name: 'Security' }).click()
    await page.getByText('Show it as a QR code').click()
    await page.getByRole('img', { name: 'The safety code as a QR code' }).waitFor()
    await page.getByRole('button', { name: 'Compare by camera' }).click()
    const said = page.locator(
      'dialog [role="status"]:is([data-finding="none"], [data-finding="refused"])',
    )
    await said.waitFor()
    expect(await said.textContent()).toContain('ompare the numbers')
  })
})
