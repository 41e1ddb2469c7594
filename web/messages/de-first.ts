// German: what is said before a browser is connected; the rest is in de.ts.
import { countIn, type FirstWords, listIn } from './catalogue.ts'
import { errors, files } from './de-errors.ts'

const count = countIn('de')
const list = listIn('de')

export const first = {
  errors,
  files,
  common: {
    tryAgain: 'Erneut versuchen',
    close: 'Schließen',
    someone: 'Jemand',
    you: 'Du',
    notYet: 'noch nicht',
    unknown: 'unbekannt',
    hereNow: 'gerade da',
    thisBrowser: 'dieser Browser',
    listed: (names) => list(names),
  },
  start: {
    starting: 'ClawChat startet.',
    failed: 'ClawChat konnte nicht starten',
    blankTitle: 'Ein privater Chat mit einem einzigen Rechner',
    blank:
      'Diese Seite öffnet sich mit einem Link von dem, der den Host betreibt. Lass dir einen geben und öffne ihn hier: nichts zu installieren, kein Konto.',
    blankOwner:
      'Du betreibst den Host selbst? `npm start` zeigt deinen Link, `npx clawchat invite` macht einen für jemand anderen.',
    olderTab: 'In einem anderen Tab ist eine ältere Seite offen',
    olderTabNext:
      'Schließ die anderen Tabs dieses Chats oder lade sie neu. Dieser hier geht dann von selbst weiter; es geht nichts verloren.',
    plainHttp:
      'Diese Seite kam ohne https. Jemand in diesem WLAN könnte sie verändern. Nutze sie nur in Netzen, denen du vertraust.',
  },
  join: {
    title: (host) => `${host} lädt dich in einen privaten Chat ein`,
    lead: 'Er läuft auf einem eigenen Rechner. Niemand sonst kann mitlesen, und es gibt nichts zu installieren.',
    name: 'Dein Name',
    join: 'Beitreten',
    back: (chat) => `Zurück zu ${chat}`,
    joining: (step) => `Beitritt: ${step}…`,
    moment: 'einen Moment',
    pressJoin: 'Drücke „Beitreten“.',
    fine: 'Der Link lässt so viele Browser ein, wie beim Erstellen erlaubt wurde, meist einen. Danach kennt der Host diesen Browser, und er braucht keinen Link mehr; der Eigentümer kann ihn jederzeit entfernen.',
    steps: {
      record: 'der Host wird gesucht',
      verify: 'seine Unterschrift wird geprüft',
      direct: 'es wird angeklopft',
      handshake: 'Schlüssel werden vereinbart',
      mailbox: 'Treffen auf halbem Weg',
      relay: 'ein Relais wird gefragt',
      sync: 'Nachrichten werden geholt',
    },
  },
  name: {
    control: 'In diesem Namen steckt ein Steuerzeichen. Tippe ihn von Hand.',
    tooLong: (bytes) =>
      `${count(bytes, { one: 'Ein Byte', other: '# Bytes' })} zu lang. Ein einfacher Buchstabe braucht eines, einer mit Akzent zwei, ein Emoji vier oder mehr.`,
  },
  file: {
    open: 'Adressdatei öffnen',
    openWhy:
      'Der Eigentümer kann dir die Adresse des Hosts als Datei geben, record.bin. Du kannst sie auch auf diese Seite fallen lassen.',
    dropHere: 'Lass die Datei record.bin des Hosts hier los',
    taken: 'Die Adressdatei ist gut.',
  },
  attachment: {
    get: 'Holen',
    pause: 'Anhalten',
    goOn: 'Weiter',
    cancel: 'Abbrechen',
    save: 'Speichern',
    open: 'Öffnen',
    show: 'Zeigen',
    hide: 'Verbergen',
    again: 'Noch einmal',
    choose: 'Noch einmal wählen',
    waiting: 'wartet',
    paused: 'angehalten',
    tooLarge: 'Dieses Bild ist zu groß, um hier gezeigt zu werden.',
    sending: (name: string) => `${name} wird gesendet`,
    getting: (name: string) => `${name} wird geholt`,
    opening: (name: string) => `${name} wird geöffnet`,
    of: (part: string, whole: string) => `${part} von ${whole}`,
    record: 'Sprachnachricht aufnehmen',
    stop: 'Beenden und senden',
    discard: 'Sprachnachricht verwerfen',
    recording: 'Aufnahme läuft',
    refused: 'Der Browser lässt diese Seite das Mikrofon nicht benutzen.',
    tooShort: 'Es wurde nichts aufgenommen. Sprich etwas länger.',
    dropHere: 'Dateien hier ablegen, um sie zu senden',
  },
  settings: {
    title: 'Einstellungen',
    language: 'Sprache',
    asBrowser: 'Wie im Browser eingestellt',
    languageFailed:
      'Diese Sprache konnte nicht geladen werden. Versuche es, sobald der Host antwortet.',
    theme: 'Aussehen',
    themes: {
      system: 'Wie am Gerät eingestellt',
      light: 'Hell',
      dark: 'Dunkel',
      'contrast-light': 'Hoher Kontrast, hell',
      'contrast-dark': 'Hoher Kontrast, dunkel',
    },
    receipts: 'Andere sehen, wie weit ich gelesen habe',
  },
  span: {
    minutes: (n) => count(n, { one: '# Minute', other: '# Minuten' }),
    hours: (n) => count(n, { one: '# Stunde', other: '# Stunden' }),
    days: (n) => count(n, { one: '# Tag', other: '# Tage' }),
    weeks: (n) => count(n, { one: '# Woche', other: '# Wochen' }),
    years: (n) => count(n, { one: '# Jahr', other: '# Jahre' }),
    atLeast: (span) => `mindestens ${span}`,
  },
  clock: {
    hostAhead: (span) => `Die Uhr des Hosts geht ${span} vor.`,
    hostBehind: (span) => `Die Uhr des Hosts geht ${span} nach.`,
    hostWhy: 'Dieses Gerät und eine Ablage sind sich über eine andere Zeit einig.',
    hostNext: 'Der Chat geht trotzdem. Bitte den Eigentümer, die Uhr des Hosts zu stellen.',
    deviceAhead: (span) => `Die Uhr dieses Geräts geht ${span} vor.`,
    deviceBehind: (span) => `Die Uhr dieses Geräts geht ${span} nach.`,
    deviceLateWhy: 'Die Adresse des Hosts ist von einer späteren Zeit, und dort antwortet niemand.',
    deviceLateNext: 'Stelle die Uhr und versuche es erneut.',
    deviceWhy: 'Verglichen mit dem Host.',
    deviceNext: 'Der Chat geht trotzdem. Stelle die Uhr, damit die Zeiten stimmen.',
  },
} satisfies FirstWords
