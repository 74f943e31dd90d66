/* Rostrum web chat. What anybody wrote is shown as text (textContent) and never as markup; nothing here is evaluated.
 * It lives in a shadow root: neither the page's styles nor its selectors reach in. */
(function () {
  "use strict";
  var script = document.currentScript;
  if (!script || window.RostrumChat) return;
  var key = script.getAttribute("data-key");
  if (!key) return;
  var base = new URL(script.src).origin;
  var slot = "rostrum-chat:" + key;
  var LARGEST = 10 * 1024 * 1024;
  var NAMES = { text: "text", email: "email", tel: "tel" };
  var state = {
    token: null, visitor: null, look: null, introduced: false, identity: null, last: null, known: {}, pending: [],
    open: false, unread: 0, socket: null, failures: 0, stopped: false, polling: null, connected: false, unseen: []
  };
  var ui = {};

  /* ---- what is kept in the browser ---- */
  function load() {
    try { return JSON.parse(localStorage.getItem(slot)) || {}; } catch (e) { return {}; }
  }
  function keep() {
    try {
      localStorage.setItem(slot, JSON.stringify({ token: state.token, visitor: state.visitor, pending: state.pending }));
    } catch (e) { /* without storage the chat lasts as long as the page */ }
  }
  function draw() {
    if (crypto.randomUUID) return crypto.randomUUID();
    var b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = (b[6] & 15) | 64; b[8] = (b[8] & 63) | 128;
    var h = Array.prototype.map.call(b, function (x) { return (x + 256).toString(16).slice(1); }).join("");
    return h.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  /* ---- asking ---- */
  function ask(method, path, body, abort) {
    var headers = {};
    if (state.token) headers["Visitor-Token"] = state.token;
    if (body) headers["Content-Type"] = "application/json";
    return fetch(base + path, {
      method: method, headers: headers, body: body ? JSON.stringify(body) : undefined, mode: "cors",
      credentials: "omit", cache: "no-store", referrerPolicy: "origin", signal: abort && abort.signal
    });
  }
  function wait() {
    state.failures += 1;
    return Math.min(30000, 500 * Math.pow(2, Math.min(state.failures, 6))) * (0.5 + Math.random() / 2);
  }
  function begin() {
    if (state.stopped) return;
    var body = {};
    if (state.token) body.token = state.token;
    if (state.identity) body.identity = { user_id: state.identity.userId, proof: state.identity.proof };
    var mark = state.identity;
    ask("POST", "/v1/chat-visits/" + key, body).then(function (answer) {
      if (mark !== state.identity) return;
      if (answer.status >= 500 || answer.status === 429) { setTimeout(begin, wait()); return; }
      if (!answer.ok) { hide(); return; }
      return answer.json().then(arrived);
    }, function () { setTimeout(begin, wait()); });
  }
  function arrived(told) {
    if (state.visitor && state.visitor !== told.visitor_id) forget();
    state.token = told.token; state.visitor = told.visitor_id; state.look = told.look;
    state.introduced = told.introduced;
    keep(); build(); connect();
  }
  function forget() {
    state.known = {}; state.last = null; state.pending = []; state.unread = 0; state.unseen = [];
    if (ui.log) { ui.log.textContent = ""; ui.greeted = false; }
    badge();
  }

  /* ---- the line: a WebSocket, and without it long asking ---- */
  function connect() {
    if (state.stopped || state.socket) return;
    if (!window.WebSocket || state.failures >= 3) { poll(); return; }
    var socket, mine = state.token;
    try {
      socket = new WebSocket(base.replace(/^http/, "ws") + "/v1/chat/" + key + "/ws",
        ["rostrum.chat.v1", "visitor." + mine]);
    } catch (e) { state.failures = 3; poll(); return; }
    state.socket = socket;
    socket.onopen = function () {
      state.failures = 0; state.connected = true; stopPolling();
      send({ type: "resume", after: state.last });
      state.pending.forEach(function (each) { send(each); });
      status("");
    };
    socket.onmessage = function (event) {
      var told;
      try { told = JSON.parse(event.data); } catch (e) { return; }
      if (told.event === "messages") told.items.forEach(show), acknowledge();
      else if (told.event === "taken") taken(told.id);
      else if (told.event === "typing") typing();
      else if (told.event === "read") status("Seen");
      else if (told.event === "refused") refused(told);
    };
    socket.onclose = function (event) {
      if (state.socket !== socket) return;
      state.socket = null; state.connected = false;
      if (state.stopped) return;
      var pause = wait();
      setTimeout(event.code === 4001 || state.failures === 2 ? begin : connect, pause);
    };
  }
  function send(frame) {
    if (state.socket && state.socket.readyState === 1) { state.socket.send(JSON.stringify(frame)); return true; }
    return false;
  }
  function stopPolling() {
    if (state.polling) { state.polling.abort(); state.polling = null; }
  }
  function poll() {
    if (state.stopped || state.polling) return;
    var abort = state.polling = new AbortController(), rounds = 0;
    state.pending.forEach(post);
    (function again() {
      if (state.polling !== abort) return;
      var query = state.last ? "?after=" + state.last + "&wait=20" : "";
      ask("GET", "/v1/chat/" + key + "/messages" + query, null, abort).then(function (answer) {
        if (answer.status === 401) { state.polling = null; begin(); return; }
        if (!answer.ok) { setTimeout(again, wait()); return; }
        return answer.json().then(function (told) {
          told.items.forEach(show); acknowledge(); state.failures = 3; rounds += 1;
          if (rounds % 5 === 0) { state.failures = 1; state.polling = null; connect(); return; }
          setTimeout(again, told.items.length || state.last ? 50 : 3000);
        });
      }, function () { if (state.polling === abort) setTimeout(again, wait()); });
    })();
  }
  function post(frame) {
    ask("POST", "/v1/chat/" + key + "/messages", frame).then(function (answer) {
      if (answer.status === 202) taken(frame.id);
      else if (answer.status < 500 && answer.status !== 429 && answer.status !== 401) {
        answer.json().then(function (told) { refused({ id: frame.id, errors: told.errors }); }, function () {});
      } else setTimeout(function () { if (isPending(frame.id) && !send(frame)) post(frame); }, wait());
    }, function () { setTimeout(function () { if (isPending(frame.id) && !send(frame)) post(frame); }, wait()); });
  }

  /* ---- messages ---- */
  function isPending(id) { return state.pending.some(function (each) { return each.id === id; }); }
  function settle(id) {
    state.pending = state.pending.filter(function (each) { return each.id !== id; });
    keep();
  }
  function write(text) {
    var frame = { type: "say", id: draw(), text: text, page: location.origin + location.pathname };
    if (!state.introduced && ui.fields) frame.fields = answers();
    state.pending.push(frame); keep();
    line({ client_id: frame.id, mine: true, text: text, at: new Date().toISOString() }, "Sending");
    if (!send(frame) && !state.connected) post(frame);
  }
  /* A file goes as a message of its own; what it is, the service says by its bytes. */
  function upload(file) {
    var id = draw();
    line({ client_id: id, mine: true, text: file.name, at: new Date().toISOString() }, "Sending");
    if (file.size > LARGEST) { mark(id, "Not sent: a file has 10 MiB at most."); return; }
    fetch(base + "/v1/chat-files/" + key + "/" + id, {
      method: "POST", body: file, mode: "cors", credentials: "omit", cache: "no-store", referrerPolicy: "origin",
      headers: { "Visitor-Token": state.token, "Content-Type": "application/octet-stream",
        "File-Name": encodeURIComponent(file.name).slice(0, 900).replace(/%[0-9A-F]?$/, "") }
    }).then(function (answer) {
      if (answer.status === 202) { mark(id, "Sent"); return; }
      return answer.json().then(function (told) {
        mark(id, "Not sent: " + (told.errors && told.errors[0] ? told.errors[0].detail : told.detail || told.title));
      });
    }).catch(function () { mark(id, "Not sent"); });
  }
  /* Where a file lies is asked anew each time: addresses lead there for some minutes only. */
  function download(file, tries) {
    return ask("POST", "/v1/chat-files/" + key + "/" + file.id + "/address").then(function (answer) {
      if (!answer.ok) throw new Error("no address");
      return answer.json();
    }).then(function (told) {
      return fetch(base + told.path, { mode: "cors", credentials: "omit", cache: "no-store", referrerPolicy: "origin" });
    }).then(function (answer) {
      if (answer.ok) return answer.blob();
      if (answer.status !== 409 || tries <= 0) throw new Error("no file");
      return new Promise(function (later) { setTimeout(later, 1000); }).then(function () { return download(file, tries - 1); });
    });
  }
  /* Pictures are drawn: a page's own policy for pictures need not let ours in. */
  function attach(row, file) {
    var got = make("button", "d", file.name || file.kind);
    got.type = "button";
    row.insertBefore(got, row.lastChild);
    got.onclick = function () {
      download(file, 5).then(function (blob) {
        var to = document.createElement("a");
        to.href = URL.createObjectURL(blob); to.download = file.name || file.kind;
        to.click();
        setTimeout(function () { URL.revokeObjectURL(to.href); }, 60000);
      }).catch(function () { got.textContent = "This file is not available."; });
    };
    if (file.kind !== "image" || !window.createImageBitmap) return;
    download(file, 20).then(function (blob) { return createImageBitmap(blob); }).then(function (picture) {
      var small = Math.min(1, 240 / Math.max(picture.width, picture.height)), canvas = make("canvas", "p");
      canvas.width = Math.max(1, picture.width * small); canvas.height = Math.max(1, picture.height * small);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", file.name || "Picture");
      row.insertBefore(canvas, got);
    }).catch(function () {});
  }
  function taken(id) {
    settle(id); state.introduced = true;
    if (ui.fields) { ui.fields.remove(); ui.fields = null; }
    mark(id, "Sent");
  }
  function refused(told) {
    if (told.retry_after) {
      var frame = state.pending.filter(function (each) { return each.id === told.id; })[0];
      if (frame) setTimeout(function () { if (isPending(frame.id) && !send(frame)) post(frame); }, told.retry_after * 1000);
      return;
    }
    settle(told.id);
    mark(told.id, "Not sent" + (told.errors && told.errors[0] ? ": " + told.errors[0].detail : ""));
  }
  function show(item) {
    state.last = item.id;
    if (state.known[item.id]) return;
    state.known[item.id] = true;
    if (item.client_id && isPending(item.client_id)) { settle(item.client_id); state.introduced = true; }
    var there = item.client_id && find(item.client_id);
    if (there) mark(item.client_id, "Sent");
    else there = line(item, item.mine ? "Sent" : "");
    (item.files || []).forEach(function (each) { attach(there, each); });
    if (!item.mine) {
      status("");
      state.unseen.push({ id: item.id, status: item.status, told: false });
      if (item.status !== "read" && !seeing()) { state.unread += 1; badge(); }
    }
  }
  function seeing() { return state.open && document.visibilityState === "visible"; }
  function acknowledge() {
    var fresh = state.unseen.filter(function (each) { return !each.told && each.status === "sent"; });
    report("delivered", fresh);
    fresh.forEach(function (each) { each.told = true; });
    if (!seeing()) return;
    report("read", state.unseen.filter(function (each) { return each.status !== "read"; }));
    state.unseen = []; state.unread = 0; badge();
  }
  function report(kind, which) {
    var ids = which.map(function (each) { return each.id; });
    while (ids.length) {
      var frame = { type: "seen", status: kind, messages: ids.splice(0, 100) };
      if (!send(frame)) ask("POST", "/v1/chat/" + key + "/receipts", frame).catch(function () {});
    }
  }

  /* ---- what is seen ---- */
  var SHEET =
    ":host{all:initial;position:fixed;bottom:20px;z-index:2147483000;font:15px/1.4 system-ui,sans-serif}" +
    "*{box-sizing:border-box;font:inherit}button{cursor:pointer;border:0}[hidden]{display:none!important}" +
    ".go{width:56px;height:56px;border-radius:28px;background:var(--c);color:var(--t);position:relative;font-size:24px}" +
    ".n{position:absolute;top:-4px;right:-4px;min-width:20px;border-radius:10px;background:#c00;color:#fff;font-size:12px;padding:1px 5px}" +
    ".box{position:absolute;bottom:68px;width:min(360px,calc(100vw - 40px));height:min(520px,calc(100vh - 120px));display:flex;" +
    "flex-direction:column;background:#fff;color:#111;border:1px solid #ccc;border-radius:12px;overflow:hidden;box-shadow:0 8px 30px #0004}" +
    ".top{background:var(--c);color:var(--t);padding:12px;display:flex;justify-content:space-between;align-items:center}" +
    ".top button{background:none;color:inherit;font-size:20px}h2{margin:0;font-weight:600}" +
    ".log{flex:1;overflow-y:auto;padding:12px;margin:0;list-style:none}.m{margin:0 0 8px;display:flex;flex-direction:column;align-items:flex-start}" +
    ".m.me{align-items:flex-end}.b{background:#eee;border-radius:10px;padding:8px 10px;white-space:pre-wrap;overflow-wrap:anywhere;max-width:85%}" +
    ".d{background:none;color:#06c;text-decoration:underline;padding:4px 0;overflow-wrap:anywhere;text-align:start}.p{border-radius:8px;max-width:100%}" +
    ".me .b{background:var(--c);color:var(--t)}.s,.st{font-size:12px;color:#555}.st{min-height:18px;padding:0 12px}" +
    "form{border-top:1px solid #ddd;padding:8px;display:flex;flex-wrap:wrap;gap:6px}form .f{width:100%;display:block;font-size:13px}" +
    "input,textarea{width:100%;border:1px solid #999;border-radius:6px;padding:6px;background:#fff;color:#111}" +
    "textarea{flex:1;resize:none;height:58px}form button{background:var(--c);color:var(--t);border-radius:6px;padding:0 14px}" +
    ":focus-visible{outline:2px solid #06c;outline-offset:2px}";

  function make(tag, name, text, into) {
    var made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    if (into) into.appendChild(made);
    return made;
  }
  function build() {
    if (ui.host) { paint(); return; }
    ui.host = document.createElement("rostrum-chat");
    ui.root = ui.host.attachShadow({ mode: "open" });
    var sheet = new CSSStyleSheet();
    sheet.replaceSync(SHEET);
    ui.root.adoptedStyleSheets = [sheet];
    ui.go = make("button", "go", "\u{1F4AC}", ui.root);
    ui.go.type = "button";
    ui.n = make("span", "n", "", ui.go);
    ui.box = make("div", "box", undefined, ui.root);
    ui.box.setAttribute("role", "dialog");
    var top = make("div", "top", undefined, ui.box);
    ui.title = make("h2", "", "", top);
    var shut = make("button", "", "\u00D7", top);
    shut.type = "button"; shut.setAttribute("aria-label", "Close");
    ui.log = make("ol", "log", undefined, ui.box);
    ui.log.setAttribute("role", "log"); ui.log.setAttribute("aria-live", "polite"); ui.log.tabIndex = 0;
    ui.status = make("div", "st", "", ui.box);
    ui.status.setAttribute("role", "status");
    ui.form = make("form", "", undefined, ui.box);
    ui.text = make("textarea", "", undefined, ui.form);
    ui.text.maxLength = 4096; ui.text.setAttribute("aria-label", "Your message");
    ui.file = make("input", "", undefined, ui.form);
    ui.file.type = "file"; ui.file.hidden = true; ui.file.accept = "image/*,audio/*,video/*,application/pdf";
    var clip = make("button", "", "\u{1F4CE}", ui.form);
    clip.type = "button"; clip.setAttribute("aria-label", "Attach a file");
    clip.onclick = function () { ui.file.click(); };
    ui.file.onchange = function () {
      if (ui.file.files[0]) upload(ui.file.files[0]);
      ui.file.value = "";
    };
    make("button", "", "Send", ui.form).type = "submit";
    ui.go.onclick = function () { toggle(!state.open); };
    shut.onclick = function () { toggle(false); };
    ui.box.onkeydown = function (event) { if (event.key === "Escape") { event.stopPropagation(); toggle(false); } };
    ui.text.oninput = function () {
      var now = Date.now();
      if (ui.text.value && now - (ui.typed || 0) > 4000) { ui.typed = now; send({ type: "typing" }); }
    };
    ui.text.onkeydown = function (event) {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ui.form.requestSubmit(); }
    };
    ui.form.onsubmit = function (event) {
      event.preventDefault();
      var text = ui.text.value.trim();
      if (!text) { ui.text.focus(); return; }
      ui.text.value = ""; write(text); ui.text.focus();
    };
    document.addEventListener("visibilitychange", acknowledge);
    document.body.appendChild(ui.host);
    ui.box.hidden = true;
    paint();
    state.pending.forEach(function (each) {
      line({ client_id: each.id, mine: true, text: each.text, at: new Date().toISOString() }, "Sending");
    });
  }
  function paint() {
    var look = state.look;
    ui.host.style.setProperty("--c", look.colour);
    ui.host.style.setProperty("--t", look.text_colour);
    ui.host.style.setProperty(look.side === "left" ? "left" : "right", "20px");
    ui.box.style.setProperty(look.side === "left" ? "left" : "right", "0");
    ui.title.textContent = look.title;
    ui.box.setAttribute("aria-label", look.title);
    ui.host.hidden = false;
    if (look.greeting && !ui.greeted) { ui.greeted = true; line({ mine: false, text: look.greeting }, ""); }
    if (!state.introduced && look.fields.length && !ui.fields) asking(look.fields);
    badge();
  }
  function asking(fields) {
    ui.fields = document.createElement("div");
    ui.fields.className = "f";
    fields.forEach(function (each) {
      var label = make("label", "f", each.label + (each.required ? " *" : ""), ui.fields);
      var input = make("input", "", undefined, label);
      input.name = each.name; input.type = NAMES[each.type] || "text"; input.required = each.required;
      input.maxLength = 500;
    });
    ui.form.insertBefore(ui.fields, ui.form.firstChild);
  }
  function answers() {
    var told = {};
    ui.fields.querySelectorAll("input").forEach(function (each) { if (each.value.trim()) told[each.name] = each.value.trim(); });
    return told;
  }
  function line(item, mood) {
    var row = make("li", item.mine ? "m me" : "m", undefined, ui.log);
    if (item.client_id) row.setAttribute("data-id", item.client_id);
    if (item.text || !(item.files && item.files.length)) {
      make("div", "b", item.text === null ? "This message is not available any more." : item.text, row);
    }
    make("div", "s", mood, row);
    ui.log.scrollTop = ui.log.scrollHeight;
    return row;
  }
  function find(id) {
    return Array.prototype.filter.call(ui.log.children, function (each) { return each.getAttribute("data-id") === id; })[0];
  }
  function mark(id, mood) {
    var row = find(id);
    if (row) row.lastChild.textContent = mood;
  }
  function status(text) { if (ui.status) ui.status.textContent = text; }
  function typing() {
    status("Somebody is writing \u2026");
    clearTimeout(ui.fading);
    ui.fading = setTimeout(function () { status(""); }, 20000);
  }
  function badge() {
    if (!ui.go) return;
    ui.n.hidden = !state.unread; ui.n.textContent = state.unread > 99 ? "99+" : String(state.unread);
    ui.go.setAttribute("aria-label", "Chat" + (state.unread ? ", " + state.unread + " unread" : ""));
    ui.go.setAttribute("aria-expanded", String(state.open));
  }
  function toggle(open) {
    if (!ui.box) return;
    state.open = open; ui.box.hidden = !open;
    if (open) { acknowledge(); ui.text.focus(); ui.log.scrollTop = ui.log.scrollHeight; } else ui.go.focus();
    badge();
  }
  function hide() { if (ui.host) ui.host.hidden = true; }
  function leave() {
    stopPolling();
    var socket = state.socket;
    state.socket = null; state.connected = false;
    if (socket) socket.close();
  }

  /* ---- what the page may do ---- */
  window.RostrumChat = Object.freeze({
    open: function () { toggle(true); },
    close: function () { toggle(false); },
    identify: function (who) {
      state.identity = who && who.userId && who.proof ? { userId: String(who.userId), proof: String(who.proof) } : null;
      leave(); begin();
    },
    shutdown: function () {
      leave(); forget(); state.identity = null; state.token = null; state.visitor = null; keep(); begin();
    }
  });
  var kept = load();
  state.token = kept.token || null; state.visitor = kept.visitor || null;
  state.pending = Array.isArray(kept.pending) ? kept.pending : [];
  var user = script.getAttribute("data-user-id"), proof = script.getAttribute("data-proof");
  if (user && proof) state.identity = { userId: user, proof: proof };
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
})();
