// The page in the language of the browser, or in another that the person chooses, with a real host; no words but those are loaded.
import { expect, test } from 'vitest'
import { inBrowser } from './browser.ts'
import { freePort, labTest } from './harness.ts'
import { onStage } from './stage.ts'

labTest(
  'the browser’s language is spoken, another can be chosen and is kept, as is the look',
  async (lab) => {
    const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    await inBrowser({ locale: 'de-CH' }, async (page, loaded) => {
      await page.goto(String(ready.invite))
      await page.getByRole('textbox', { name: 'Dein Name' }).fill('Ann')
      expect(loaded()).toEqual(['de'])
      expect(await page.evaluate(() => document.documentElement.lang)).toBe('de')
      await page.getByRole('button', { name: 'Beitreten' }).click()
      await page.getByRole('textbox', { name: 'Nachricht' }).waitFor()
      await page.getByRole('button', { name: 'Einstellungen' }).click()
      await page.getByRole('combobox', { name: 'Sprache' }).selectOption('es')
      // The open dialog follows, and so does what lies behind it.
      await page.getByRole('dialog', { name: 'Ajustes' }).getByText('Idioma').waitFor()
      await page.getByRole('combobox', { name: 'Aspecto' }).selectOption('dark')
      await page.keyboard.press('Escape')
      await page.getByRole('textbox', { name: 'Mensaje' }).waitFor()
      expect(loaded()).toEqual(['de', 'es'])
      await page.reload()
      await page.getByRole('textbox', { name: 'Mensaje' }).waitFor()
      expect(loaded()).toEqual(['de', 'es', 'es'])
      expect(await page.evaluate(() => document.documentElement.lang)).toBe('es')
      // So is the look, which is dark before anything is drawn.
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
      expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
        'rgb(16, 19, 22)',
      )
      await page.getByRole('button', { name: 'Ajustes' }).click()
      await page.getByRole('combobox', { name: 'Idioma' }).selectOption('')
      await page.getByRole('dialog', { name: 'Einstellungen' }).waitFor()
    })
  },
)

labTest('a language that there are no words for is answered in English', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  await inBrowser({ locale: 'fr-FR' }, async (page, loaded) => {
    await page.goto(String(ready.invite))
    await page.getByRole('textbox', { name: 'Your name' }).waitFor()
    expect(loaded()).toEqual(['en'])
    // Whoever is invited may choose before anything is said to anybody.
    await page.getByRole('combobox', { name: 'Language' }).selectOption('zh')
    await page.getByRole('button', { name: '加入' }).waitFor()
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh')
  })
})

const PHONE = { width: 390, height: 844 }
const DESKTOP = { width: 1280, height: 800 }

test.each(['de', 'es', 'zh'] as const)('%s fits on a phone and on a desktop', async (language) => {
  for (const viewport of [PHONE, DESKTOP]) {
    await onStage({ viewport, reducedMotion: 'reduce' }, async ({ page, show, speak }) => {
      const form = viewport === PHONE ? 'phone' : 'desktop'
      const wide = () =>
        page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
      const shot = (name: string) =>
        page.screenshot({ path: `tests/out/language-${language}-${name}-${form}.png` })
      await speak(language)
      await show({ phase: 'join', error: 'no-answer' })
      await shot('join')
      expect(await wide()).toBeLessThanOrEqual(0)
      await show({
        connection: { state: 'reconnecting', route: null, epoch: 1, latencyMs: null, steps: [] },
        error: 'record-missing',
      })
      await shot('chat')
      expect(await wide()).toBeLessThanOrEqual(0)
    })
  }
})
