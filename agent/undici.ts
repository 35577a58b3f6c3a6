// What is used of undici, and not its index: that brings fetch, WebSocket, caches and mocks, 600 KiB of source that every
// agent would hold in memory. (undici 8.12.4)
import request from 'undici/lib/api/api-request.js';
import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import Pool from 'undici/lib/dispatcher/pool.js';

// As its index does.
Dispatcher.prototype.request = request;

export { buildConnector, Client, Pool };
