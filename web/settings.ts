// What a person chose for this browser: kept where the page can read it before it first paints.

const LANGUAGE = 'clawchat-language'

/** Storage may be blocked: then a choice lasts as long as the page. */
function keep(place: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(place)
    else localStorage.setItem(place, value)
  } catch {
    // Nothing is lost but the choice.
  }
}

function kept(place: string): string | null {
  try {
    return localStorage.getItem(place)
  } catch {
    return null
  }
}

/** `null`: as the browser is set. */
export const keepLanguage = (language: string | null): void => keep(LANGUAGE, language)
export const keptLanguage = (): string | null => kept(LANGUAGE)
