"""A hundred ways in which a script may try to harm the engine, each in three dresses."""

LOOPS = """
while (true) {}
for (;;) ;
while (true) { try { while (true) {} } catch (e) {} finally { continue } }
do { var x = {} } while (x)
for (var i = 0; i < 1; i--) ;
label: while (true) { while (true) continue label }
var f = () => f; while (f()) ;
for (const x of (function* () { while (true) yield 1 })()) ;
var g = (function* () { while (true) yield 1 })(); while (!g.next().done) ;
[...(function* () { while (true) yield 1 })()]
Array.from({length: 4294967295}, () => { while (true) ; })
[3, 1, 2].sort(() => { while (true) ; })
[1].forEach(() => { while (true) ; })
'a'.replace(/a/, () => { while (true) ; })
JSON.parse('[1]', () => { while (true) ; })
JSON.stringify({toJSON() { while (true) ; }})
String({toString() { while (true) ; }})
+{valueOf() { while (true) ; }}
`${{[Symbol.toPrimitive]() { while (true) ; }}}`
({get x() { while (true) ; }}).x
({set x(v) { while (true) ; }}).x = 1
new Proxy({}, {get() { while (true) ; }}).x
new Proxy({}, {has() { while (true) ; }}) instanceof Object
new (class { constructor() { while (true) ; } })()
class A { static { while (true) ; } }
eval('while (true) ;')
new Function('while (true) ;')()
(0, eval)('for (;;) ;')
with ({}) { while (true) ; }
throw {toString() { while (true) ; }}
throw new Proxy({}, {get() { while (true) ; }})
throw Object.assign(new Error(), {get message() { while (true) ; }})
Error.prepareStackTrace = () => { while (true) ; }; null.x
data = {toJSON() { while (true) ; }}
data = new Proxy({}, {ownKeys() { while (true) ; }})
data.then = (go) => { while (true) ; }; return Promise.resolve(data)
return new Promise(() => { while (true) ; })
return Promise.resolve().then(function again() { return Promise.resolve().then(again) })
return (async () => { while (true) await 0 })()
(async () => { while (true) await null })()
queueMicrotask(function again() { queueMicrotask(again) })
[].includes.call({length: 9e15}, 1)
[].lastIndexOf.call({length: 9e15}, 1)
[].reverse.call({length: 9e15})
[].indexOf.call({length: 9e15}, 1)
[].copyWithin.call({length: 9e15}, 1, 0)
[].fill.call({length: 9e15}, 1)
new Array(1e9).join('abc')
new Array(4294967295).indexOf(7)
Object.defineProperty([], 'length', {value: 4294967295}).concat([1]).every(() => true)
var s = 'a'.repeat(1e7); for (;;) s.indexOf('aaaaaaaaab'.repeat(1000))
var s = '\\u1e9b\\u0323'.repeat(1e5); while (true) s.normalize('NFKD')
while (true) 'a'.padEnd(1e6).split('').reverse().join('').trim()
while (true) [].concat(new Array(1e5).fill(0)).sort().map(String)
""".strip().splitlines()

PATTERNS = """
/^(a+)+$/.test('a'.repeat(40) + 'b')
/(x+x+)+y/.exec('x'.repeat(60))
/^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(60))
/(.*)*=.*/.exec('x'.repeat(5e4))
/(?=(a+))a*b\\1/.exec('a'.repeat(5e4))
/((a?)*)*b/.test('a'.repeat(40))
/\\s+$/.test(' '.repeat(1e6) + 'x')
new RegExp('(a?){30}a{30}').test('a'.repeat(29))
new RegExp('(?:a{1000}){1000}').test('a'.repeat(1e6))
new RegExp('('.repeat(1e5) + ')'.repeat(1e5))
new RegExp('[' + 'a-z'.repeat(1e6) + ']')
'a'.repeat(1e6).replace(/a/g, 'b'.repeat(1e6))
'a'.repeat(1e6).split(/(?:)/u).map((x) => x.split(''))
""".strip().splitlines()

HUNGRY = """
var a = []; while (true) a.push(new Array(1000).fill(7))
var s = 'a'; while (true) s += s
var s = ['a']; while (true) s.push(s.join('') + Math.random())
'a'.repeat(2 ** 29) + 'b'.repeat(2 ** 29)
new ArrayBuffer(2 ** 40)
var l = []; while (true) l.push(new Uint8Array(1 << 24).fill(1))
new Array(4294967295).fill(1)
var m = new Map(); for (var i = 0; ; i++) m.set(i, {})
var m = new Set(); for (var i = 0; ; i++) m.add('k' + i)
var o = {}; for (var i = 0; ; i++) o['k' + i] = i
while (true) Symbol.for(Math.random().toString())
var a = [1]; while (true) a = a.concat(a)
var o = [1, 2, 3]; for (var i = 0; i < 40; i++) o = [o, o, o]; JSON.stringify(o)
Math.max.apply(null, {length: 1e8})
var x = 3n; while (true) x = x * x
2n ** (2n ** 30n)
(10n ** 2000000n).toString()
var f = () => 1; while (true) f = ((g) => () => g)(f)
var l = []; while (true) l.push(new WeakRef({}), new Promise(() => {}))
var r = []; while (true) r.push(new RegExp('a' + r.length))
data.x = 'x'.repeat(3e7)
var d = data; for (var i = 0; i < 1e6; i++) d = d.d = {}
for (var i = 0; i < 1e6; i++) data['k' + i] = i
""".strip().splitlines()

DEEP = """
(function f() { return f() + 1 })()
(function f() { try { return f() + 1 } catch (e) { return f() + 1 } })()
var f = (n) => n ? f(n - 1) + f(n - 1) : 0; f(100)
new Proxy({}, {get(t, k, r) { return r[k] }}).x
({get x() { return this.x }}).x
'' + {toString() { return '' + this }}
JSON.parse('['.repeat(1e6))
eval('('.repeat(1e5) + '1' + ')'.repeat(1e5))
new Function('return ' + '['.repeat(1e5) + ']'.repeat(1e5))
var a = []; a[0] = a; a.flat(Infinity)
var o = {}, p = o; for (var i = 0; i < 1e5; i++) p = p.a = {}; JSON.stringify(o)
class A extends (function f() { return new f() }) {}
""".strip().splitlines()

SPOILERS = """
JSON.stringify = JSON.parse = () => { while (true) ; }; data.x = 1
Object.prototype.toJSON = () => { while (true) ; }
Array.prototype.toJSON = () => { throw 1 }; null.x
String.prototype.slice = () => ({}); throw 'x'
String.prototype.toJSON = () => []; throw 'x'
Promise.prototype.then = () => { while (true) ; }; return Promise.resolve(1)
Object.defineProperty(Object.prototype, '__root', {get() { while (true) ; }})
Object.setPrototypeOf(data, null); Object.freeze(data); data.x = 1
for (var name of Object.getOwnPropertyNames(globalThis)) try { globalThis[name] = null } catch (e) {}
})(); while (true) {} (function () {
require('fs').readFileSync('/etc/passwd')
import('fs').then((fs) => { while (true) ; })
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
new Function('return this')().constructor.constructor('while (true) ;')()
arguments.callee.caller.arguments[0]()
require('libs/moment.js'); while (true) moment(0).format()
""".strip().splitlines()

HOSTILE = [*LOOPS, *PATTERNS, *HUNGRY, *DEEP, *SPOILERS]


def dressed():
    """Every hostile script as it is, again and again, and while its result is written."""
    for source in HOSTILE:
        yield source
        again = source.replace("`", "\\`").replace("${", "\\${").replace("\\", "\\\\")
        yield f"while (true) {{ try {{ new Function('data', `{again}`)({{}}) }} catch (e) {{}} }}"
        yield f"data.x = {{toJSON() {{ {'' if '})()' in source[:5] else source}\n}} }}"
