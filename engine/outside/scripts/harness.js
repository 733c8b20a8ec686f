// Runs one script between two conversions. What it needs is taken before the script can change it.
(function () {
  var parse = JSON.parse, write = JSON.stringify, isArray = Array.isArray, text = String;
  var apply = Reflect.apply, then = Promise.prototype.then, isWaiting = false, outcome, current, answer;

  function describe(error) {
    if (error === null) return ["E", "null", ""];
    try {
      if (typeof error !== "object" || !("message" in error)) return ["E", text(error), ""];
      return ["E", text(error.name || "Error") + ": " + text(error.message), text(error.stack)];
    } catch (again) {
      return ["E", "an exception that can't be shown as text", ""];
    }
  }
  function kept(result) {
    isWaiting = false;
    outcome = function () { return result === undefined ? current() : result; };
  }
  function broken(error) {
    isWaiting = false;
    outcome = describe(error);
  }
  function run(work) {
    try {
      var result = work();
      if (result instanceof Promise) {
        isWaiting = true;
        apply(then, result, [kept, broken]);
      } else kept(result);
    } catch (error) {
      broken(error);
    }
  }
  function body(script, data, meta) {
    run(function () {
      var value = parse(data);
      value.__root = parse(meta);
      return script(value, function (read) { current = read; });
    });
  }
  function module(script, name, data) {
    run(function () {
      var made = { exports: {} }, value = parse(data);
      current = function () { return value; };
      script(made, made.exports);
      var wanted = made.exports;
      if (name !== "" && wanted != null && name in wanted) wanted = wanted[name];
      if (typeof wanted === "function") return wanted(value);
      throw "the file exports no function '" + name + "'";
    });
  }
  function finish(limit) {
    if (isWaiting) outcome = ["E", "the promise it returned is never kept", ""];
    if (isArray(outcome)) return tell(outcome[0], outcome[1], outcome[2]);
    try {
      var result = outcome();
      if (result === null || typeof result !== "object" || isArray(result)) {
        var found = result === null ? "null" : isArray(result) ? "an array" : "a " + typeof result;
        return tell("F", "the result must be an object, not " + found, "");
      }
      delete result.__root;
      var written = write(result) || "null";
    } catch (error) {
      var why = describe(error);
      return tell("F", why[1], why[2]);
    }
    if (written.length > limit) return tell("L", text(written.length), "");
    answer = written;
    return "R";
  }
  // The text is fetched by itself: the binding can't read a string that was put together.
  function tell(kind, message, stack) {
    answer = write([message.slice(0, 2000), stack.slice(0, 2000)]);
    return kind;
  }
  return function (step, first, second, third) {
    if (step === 3) return answer;
    return (step === 0 ? body : step === 1 ? module : finish)(first, second, third);
  };
})()
