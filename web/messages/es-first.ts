// Spanish: what is said before a browser is connected; the rest is in es.ts.
import { countIn, type FirstWords, listIn } from './catalogue.ts'
import { errors, files } from './es-errors.ts'

const count = countIn('es')
const list = listIn('es')

export const first = {
  errors,
  files,
  common: {
    tryAgain: 'Intentar de nuevo',
    close: 'Cerrar',
    someone: 'Alguien',
    you: 'Tú',
    notYet: 'todavía no',
    unknown: 'desconocido',
    hereNow: 'aquí ahora',
    thisBrowser: 'este navegador',
    listed: (names) => list(names),
  },
  start: {
    starting: 'ClawChat se está iniciando.',
    failed: 'ClawChat no pudo iniciarse',
    blankTitle: 'Un chat privado con una sola máquina',
    blank:
      'Esta página se abre con un enlace de quien tiene el anfitrión. Pídele uno y ábrelo aquí: nada que instalar, ninguna cuenta.',
    blankOwner:
      '¿El anfitrión es tuyo? `npm start` muestra tu enlace; `npx clawchat invite` crea uno para otra persona.',
    olderTab: 'En otra pestaña hay abierta una página más antigua',
    olderTabNext:
      'Cierra las otras pestañas de este chat o vuelve a cargarlas. Después esta sigue sola; no se pierde nada.',
    plainHttp:
      'Esta página llegó sin https. Alguien en esta red Wi-Fi podría alterarla. Úsala solo en redes de confianza.',
  },
  join: {
    title: (host) => `${host} te invita a un chat privado`,
    lead: 'Funciona en su propia máquina. Nadie más puede leerlo y no hay nada que instalar.',
    name: 'Tu nombre',
    join: 'Entrar',
    back: (chat) => `Volver a ${chat}`,
    joining: (step) => `Entrando: ${step}…`,
    moment: 'un momento',
    pressJoin: 'Pulsa «Entrar».',
    fine: 'El enlace deja entrar a tantos navegadores como permitió quien lo creó, normalmente uno. Una vez dentro, este navegador queda recordado y no necesita enlace; el propietario puede quitarlo cuando quiera.',
    steps: {
      record: 'buscando el anfitrión',
      verify: 'comprobando su firma',
      direct: 'llamando a la puerta',
      handshake: 'acordando claves',
      mailbox: 'encontrándose a medio camino',
      relay: 'preguntando a un relé',
      sync: 'trayendo los mensajes',
    },
  },
  name: {
    control: 'Este nombre contiene un carácter de control. Escríbelo a mano.',
    tooLong: (bytes) =>
      `Sobra${bytes === 1 ? '' : 'n'} ${count(bytes, { one: 'un byte', other: '# bytes' })}. Una letra simple ocupa uno, una con acento dos, un emoji cuatro o más.`,
  },
  file: {
    open: 'Abrir archivo de dirección',
    openWhy:
      'El propietario puede darte la dirección del anfitrión como archivo, record.bin. También puedes soltarlo sobre esta página.',
    dropHere: 'Suelta aquí el record.bin del anfitrión',
    taken: 'El archivo de dirección es válido.',
  },
  attachment: {
    get: 'Obtener',
    pause: 'Pausar',
    goOn: 'Continuar',
    cancel: 'Cancelar',
    save: 'Guardar',
    open: 'Abrir',
    show: 'Mostrar',
    hide: 'Ocultar',
    again: 'Reintentar',
    choose: 'Elegirlo otra vez',
    waiting: 'en espera',
    paused: 'en pausa',
    tooLarge: 'Esta imagen es demasiado grande para mostrarse aquí.',
    sending: (name: string) => `Enviando ${name}`,
    getting: (name: string) => `Obteniendo ${name}`,
    opening: (name: string) => `Abriendo ${name}`,
    of: (part: string, whole: string) => `${part} de ${whole}`,
    record: 'Grabar nota de voz',
    stop: 'Parar y enviar',
    discard: 'Descartar la nota de voz',
    recording: 'Grabando',
    refused: 'El navegador no deja que esta página use el micrófono.',
    tooShort: 'No se ha grabado nada. Habla un poco más.',
    dropHere: 'Suelta aquí los archivos para enviarlos',
  },
  settings: {
    title: 'Ajustes',
    language: 'Idioma',
    asBrowser: 'Como en el navegador',
    languageFailed: 'No se pudo cargar este idioma. Inténtalo cuando el anfitrión responda.',
    theme: 'Aspecto',
    themes: {
      system: 'Como en el dispositivo',
      light: 'Claro',
      dark: 'Oscuro',
      'contrast-light': 'Alto contraste, claro',
      'contrast-dark': 'Alto contraste, oscuro',
    },
    receipts: 'Los demás ven hasta dónde he leído',
  },
  span: {
    minutes: (n) => count(n, { one: '# minuto', other: '# minutos' }),
    hours: (n) => count(n, { one: '# hora', other: '# horas' }),
    days: (n) => count(n, { one: '# día', other: '# días' }),
    weeks: (n) => count(n, { one: '# semana', other: '# semanas' }),
    years: (n) => count(n, { one: '# año', other: '# años' }),
    atLeast: (span) => `al menos ${span}`,
  },
  clock: {
    hostAhead: (span) => `El reloj del anfitrión va adelantado ${span}.`,
    hostBehind: (span) => `El reloj del anfitrión va atrasado ${span}.`,
    hostWhy: 'Este dispositivo y un almacén coinciden en otra hora.',
    hostNext: 'El chat funciona igual. Pide al propietario que ponga en hora el anfitrión.',
    deviceAhead: (span) => `El reloj de este dispositivo va adelantado ${span}.`,
    deviceBehind: (span) => `El reloj de este dispositivo va atrasado ${span}.`,
    deviceLateWhy: 'La dirección del anfitrión es de una hora posterior y allí nadie responde.',
    deviceLateNext: 'Pon el reloj en hora e inténtalo de nuevo.',
    deviceWhy: 'Comparado con el anfitrión.',
    deviceNext: 'El chat funciona igual. Pon el reloj en hora para que las horas sean correctas.',
  },
} satisfies FirstWords
