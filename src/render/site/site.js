"use strict";
// Without a connection, a page of the shell says so; see worker.js.
navigator.serviceWorker?.register("/service-worker.js").catch(() => { /* Not over plain HTTP: pages work all the same. */ });
