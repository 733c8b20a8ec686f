// What a script may use beside its data: a console that says nothing, and libraries by name.
(function (known) {
  var libraries = { __proto__: null }, evaluate = eval, text = String;
  var nothing = function () {};
  globalThis.console = {
    log: nothing, info: nothing, warn: nothing, error: nothing, debug: nothing, trace: nothing,
    dir: nothing, table: nothing, assert: nothing, count: nothing, group: nothing,
    groupEnd: nothing, time: nothing, timeEnd: nothing, timeLog: nothing
  };
  globalThis.require = function (wanted) {
    var name = text(wanted);
    if (!(name in libraries)) throw new Error("there is no library '" + name + "'" + known);
    var source = libraries[name];
    libraries[name] = "";
    evaluate(source);
  };
  return function (name, source) { libraries[name] = source; };
})
