// Spanish: what happened, why, and what to do next, for every code that may reach a person here (SPEC §9).
import { type ErrorWords, words } from './catalogue.ts'

const ASK = 'Pide al propietario un enlace nuevo.'
const OWNER_KNOWS = 'Pregunta al propietario.'
const HERE = 'Ocurre en el anfitrión, no en este navegador.'

export const errors = {
  malformed: words(
    'El anfitrión envió algo que esta página no entiende.',
    'La página y el anfitrión pueden ser de versiones distintas.',
    'Recarga la página.',
  ),
  limit: words(
    'Es demasiado largo para enviarlo.',
    'Un mensaje admite 16 000 bytes como máximo.',
    'Envíalo por partes.',
  ),
  crypto: words(
    'Falló una comprobación del cifrado.',
    'Algo se dañó o cambió por el camino.',
    'Inténtalo de nuevo.',
  ),
  'invite-malformed': words(
    'Este enlace no está completo.',
    'Se escribió mal o se cortó por el camino.',
    'Abre otra vez el enlace entero, o pide uno nuevo.',
  ),
  'invite-version': words(
    'Este enlace es de otra versión de ClawChat.',
    'La página es más antigua o más nueva que el anfitrión.',
    'Recarga la página, o abre el enlace en el lugar para el que se creó.',
  ),
  'invite-used': words(
    'Este enlace ya se usó.',
    'Un enlace deja entrar a un número limitado de navegadores, normalmente uno.',
    `${ASK} Si no lo usaste tú, díselo: lo usó otra persona.`,
  ),
  'invite-reserved': words(
    'Alguien está entrando con este enlace ahora mismo.',
    'Deja entrar a un número limitado de navegadores, normalmente uno, y otros empezaron antes.',
    'Inténtalo de nuevo en diez minutos, o pide un enlace nuevo.',
  ),
  'invite-expired': words(
    'Este enlace ha caducado.',
    'Los enlaces valen durante un tiempo limitado.',
    ASK,
  ),
  'invite-withdrawn': words('Este enlace se retiró.', 'El propietario lo retiró.', ASK),
  'room-unknown': words(
    'Esa sala ya no existe.',
    'Puede que alguien le cambiara el nombre o te sacara de ella.',
    ASK,
  ),
  'push-refused': words(
    'El anfitrión no envía al servicio de avisos de este navegador.',
    'Envía a los servicios de Chrome, Edge, Firefox y Safari, y a los que añade su propietario.',
    'Pregunta al propietario.',
  ),
  'picture-refused': words(
    'Esa no es una imagen que pueda estar aquí.',
    'Tiene que ser pequeña y cuadrada; la página la hace así.',
    'Elige otra imagen.',
  ),
  'invite-unknown': words(
    'El anfitrión no conoce este enlace.',
    'Puede ser de otro anfitrión.',
    ASK,
  ),
  'credentials-full': words(
    'El anfitrión no tiene sitio para otro dispositivo.',
    'Admite como máximo 64 dispositivos y enlaces abiertos.',
    'Pide al propietario que retire enlaces o quite dispositivos.',
  ),
  'name-invalid': words(
    'Este nombre no se puede usar.',
    'Está vacío, pasa de 48 bytes o contiene caracteres de control.',
    'Elige otro nombre.',
  ),
  burned: words(
    'El propietario ha quemado este anfitrión.',
    'Sus claves pueden estar en malas manos; por eso se borraron aquí las claves y el historial.',
    'Pide al propietario, en persona o por teléfono, un enlace nuevo.',
  ),
  removed: words(
    'Este dispositivo fue quitado del chat.',
    'El propietario lo revocó y el anfitrión ya no lo deja entrar. Lo que hay aquí se queda aquí.',
    ASK,
  ),
  'device-unknown': words('El anfitrión no conoce ese dispositivo.', HERE, OWNER_KNOWS),
  'not-allowed': words(
    'El anfitrión no te permite eso.',
    'Solo puede hacerlo el propietario, o la persona a quien pertenece.',
    OWNER_KNOWS,
  ),
  'too-many': words(
    'Fue demasiado a la vez.',
    'El anfitrión hace unas diez cosas así por minuto para cada dispositivo.',
    'Espera un minuto e inténtalo de nuevo.',
  ),
  'record-missing': words(
    'No se encontró el anfitrión.',
    'Ningún almacén tiene su dirección: puede estar apagado, o los almacenes fuera de alcance.',
    'Comprueba que el anfitrión funciona e inténtalo de nuevo.',
  ),
  'record-malformed': words(
    'Lo encontrado no es la dirección de un anfitrión.',
    'Un almacén devolvió otra cosa, quizá una página de acceso de esta red.',
    'Comprueba tu conexión e inténtalo de nuevo.',
  ),
  'record-no-slot': words(
    'La dirección del anfitrión no es para este navegador.',
    'El enlace se usó, se retiró o se escribió mal, o este dispositivo fue quitado.',
    ASK,
  ),
  'record-forged': words(
    'La dirección del anfitrión no pasó su comprobación.',
    'La cambió alguien sin la clave del anfitrión.',
    'Inténtalo de nuevo. Si sigue igual, avisa al propietario.',
  ),
  'record-foreign': words(
    'Esta dirección es de otro anfitrión.',
    'El almacén guarda el registro de otra persona.',
    ASK,
  ),
  'record-rollback': words(
    'Un almacén devolvió una dirección antigua.',
    'No está al día, o retiene algo.',
    'Inténtalo más tarde, o avisa al propietario.',
  ),
  'record-stale': words(
    'La dirección del anfitrión está caducada.',
    'No se sabe del anfitrión desde hace más de un día, o el reloj de este dispositivo va mal.',
    'Comprueba que el anfitrión funciona y que el reloj va bien, e inténtalo de nuevo.',
  ),
  'clock-wrong': words(
    'Un reloj va mal.',
    'Este dispositivo y el anfitrión difieren en más de diez minutos.',
    'Pon el reloj en hora e inténtalo de nuevo.',
  ),
  'knock-refused': words(
    'El anfitrión no aceptó la llamada.',
    'Puede que el reloj de este dispositivo vaya mal.',
    'Comprueba el reloj e inténtalo de nuevo.',
  ),
  'certificate-foreign': words(
    'Otra cosa responde en la dirección del anfitrión.',
    'Muestra un certificado distinto del que nombra el anfitrión, así que no se le dijo nada.',
    'Inténtalo desde otra red. Si sigue igual, pregunta al propietario.',
  ),
  'handshake-failed': words(
    'El anfitrión no pudo demostrar quién es.',
    'Algo interfiere entre tú y el anfitrión, o este dispositivo fue quitado.',
    'Inténtalo de nuevo. Si sigue igual, pregunta al propietario.',
  ),
  'frame-invalid': words(
    'La conexión se cortó.',
    'Llegó algo dañado o falsificado.',
    'Volverá por sí sola.',
  ),
  'file-unknown': words(
    'El host no tiene este archivo.',
    'Se borró su mensaje, o esperó demasiado a ser enviado.',
    'Envíalo otra vez, o pregunta a quien lo envió.',
  ),
  'file-too-large': words(
    'Este archivo es demasiado grande para este host.',
    'Su propietario puso un límite por archivo (--max-file).',
    'Envíalo en partes, o pide al propietario que suba el límite.',
  ),
  'file-quota': words(
    'El host no tiene sitio para este archivo.',
    'Sus archivos han llegado al límite que puso su propietario (--files-quota).',
    'Borra mensajes con archivos grandes, o pide al propietario que suba el límite.',
  ),
  'file-member-quota': words(
    'Tus archivos ocupan todo lo que este anfitrión da a un miembro.',
    'Ese límite lo puso su propietario (--member-quota).',
    'Borra mensajes tuyos con archivos grandes, o pide al propietario que suba el límite.',
  ),
  'file-disk-full': words(
    'El disco del host está lleno.',
    'Guarda el resto libre para los mensajes.',
    'Pide al propietario que haga sitio y vuelve a intentarlo.',
  ),
  'file-damaged': words(
    'Este archivo está dañado.',
    'Lo que llegó no es lo que se envió, así que no se guardó nada.',
    'Inténtalo otra vez. Si sigue así, pídelo de nuevo.',
  ),
  'file-too-many': words(
    'Demasiados archivos esperan a ser enviados.',
    'El host acepta dieciséis a la vez de un miembro.',
    'Espera a que pasen algunos, o cancela uno.',
  ),
  'file-unreadable': words(
    'El archivo ya no se puede leer.',
    'Se movió o cambió, o la página se cargó de nuevo.',
    'Elige el mismo archivo otra vez y seguirá donde se detuvo.',
  ),
  'file-no-room': words(
    'Este navegador no tiene sitio para este archivo.',
    'Su almacenamiento está lleno; en una página sin https solo guarda archivos de hasta 64 MiB.',
    'Haz sitio, o abre el chat por https o en el ordenador del host.',
  ),
  'store-unreachable': words(
    'No se pudo llegar a un almacén.',
    'Está caído, o lo está tu conexión.',
    'Comprueba tu conexión e inténtalo de nuevo.',
  ),
  'store-refused': words(
    'Un almacén se negó a responder.',
    'Puede estar sobrecargado.',
    'Inténtalo de nuevo en un minuto.',
  ),
  'mega-account': words('El anfitrión no ha iniciado sesión en MEGA.', HERE, OWNER_KNOWS),
  'mega-file': words('El archivo del anfitrión para MEGA no se puede usar.', HERE, OWNER_KNOWS),
  'mega-login': words('MEGA no dejó entrar al anfitrión.', HERE, OWNER_KNOWS),
  'mega-2fa': words('MEGA pide al anfitrión un segundo factor.', HERE, OWNER_KNOWS),
  'mega-blocked': words('MEGA ha bloqueado la cuenta del anfitrión.', HERE, OWNER_KNOWS),
  'mega-quota': words('La cuenta de MEGA del anfitrión superó su cuota.', HERE, OWNER_KNOWS),
  'mega-session': words('MEGA ha cerrado la sesión del anfitrión.', HERE, OWNER_KNOWS),
  'mega-gone': words('El archivo del anfitrión en MEGA ya no está.', HERE, OWNER_KNOWS),
  'store-token': words('Un almacén pide un token al anfitrión.', HERE, OWNER_KNOWS),
  'no-answer': words(
    'El anfitrión no responde.',
    'Puede que el router se reiniciara, el anfitrión esté apagado o un cortafuegos descarte los paquetes.',
    'Comprueba que el anfitrión funciona y su cortafuegos admite UDP, e inténtalo de nuevo.',
  ),
  'no-network': words(
    'Los navegadores niegan WebRTC mientras este equipo no tiene red.',
    'Entonces ni siquiera se puede chatear con este mismo equipo.',
    'Conéctate a cualquier red e inténtalo de nuevo.',
  ),
  'no-webrtc': words(
    'Este navegador no puede conectarse.',
    'WebRTC falta o está desactivado.',
    'Usa otro navegador, o permite WebRTC en este.',
  ),
  'passphrase-missing': words(
    'Las claves del anfitrión están tras una frase de contraseña.',
    HERE,
    OWNER_KNOWS,
  ),
  'passphrase-file': words(
    'El archivo del anfitrión con la frase de contraseña no se puede usar.',
    HERE,
    OWNER_KNOWS,
  ),
  'backup-foreign': words('Eso no es una copia de seguridad del anfitrión.', HERE, OWNER_KNOWS),
  'backup-damaged': words('La copia de seguridad del anfitrión está dañada.', HERE, OWNER_KNOWS),
  'passphrase-wrong': words(
    'Ese no es el PIN ni la frase de contraseña.',
    'Uno equivocado no abre nada.',
    'No se cambió nada. Inténtalo de nuevo.',
  ),
  storage: words(
    'Este navegador no guarda nada.',
    'Su almacenamiento está lleno, bloqueado o se vació.',
    'Permite a esta página guardar datos y abre tu enlace otra vez.',
  ),
  'port-taken': words('Un puerto está ocupado.', HERE, OWNER_KNOWS),
  'address-unusable': words('Una dirección no se puede usar.', HERE, OWNER_KNOWS),
  'folder-unusable': words('La carpeta del anfitrión no se puede usar.', HERE, OWNER_KNOWS),
  'folder-foreign': words('La carpeta del anfitrión contiene otros archivos.', HERE, OWNER_KNOWS),
  'folder-locked': words('Otro anfitrión usa esa carpeta.', HERE, OWNER_KNOWS),
  'not-running': words(
    'El anfitrión no está en marcha.',
    HERE,
    'Pide al propietario que lo inicie.',
  ),
  usage: words('Se pidió al anfitrión algo que no entiende.', HERE, OWNER_KNOWS),
  'no-usable-store': words('Ningún almacén se puede leer desde esta página.', HERE, OWNER_KNOWS),
  'node-too-old': words('El Node del anfitrión es demasiado antiguo.', HERE, OWNER_KNOWS),
  'page-incomplete': words(
    'Falta una parte de esta página.',
    'No se pudo cargar: no hay red, o su origen no responde o ya tiene otra versión.',
    'Inténtalo de nuevo; si no ayuda, recarga la página.',
  ),
  'page-missing': words('La página no se construyó.', HERE, OWNER_KNOWS),
  'deploy-failed': words('El worker no se desplegó.', HERE, OWNER_KNOWS),
  'wrangler-missing': words('Wrangler no está instalado.', HERE, OWNER_KNOWS),
  superseded: words('Otra copia del anfitrión está en marcha.', HERE, OWNER_KNOWS),
  internal: words('Algo salió mal en esta página.', 'Es un defecto nuestro.', 'Recarga la página.'),
} satisfies ErrorWords

const NEWEST = 'Pide al propietario el record.bin más reciente.'
/** Of an address file that was handed over and not taken. */
export const files = {
  'record-malformed': words(
    'Este archivo no es la dirección de un anfitrión.',
    'Un archivo record.bin tiene exactamente 6144 bytes y lo escribió el anfitrión.',
    NEWEST,
  ),
  'record-forged': words(
    'Este archivo no pasó su comprobación.',
    'Está dañado, o lo cambió alguien sin la clave del anfitrión.',
    NEWEST,
  ),
  'record-foreign': words(
    'Este archivo es de otro anfitrión.',
    'Su clave no es la que se conoce aquí.',
    NEWEST,
  ),
  'record-no-slot': words(
    'Este archivo no es para este navegador.',
    'Es de otro anfitrión, de antes de que entraras o de después de que te quitaran.',
    `${NEWEST} Si aún no has entrado, abre primero tu enlace.`,
  ),
  'record-rollback': words(
    'Este archivo es más antiguo que lo que este navegador sabe.',
    'El anfitrión ha avanzado desde que se escribió.',
    NEWEST,
  ),
}
