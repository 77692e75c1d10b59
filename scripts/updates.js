registerWebStream('/events');
function sendUpdate(req) {
  sendStreamMessage({ type: 'update', timestamp: new Date().toISOString(), data: { message: 'Hello from stream!' } });
  return { status: 200, body: 'Message sent' };
}
register('/send-update', 'sendUpdate', 'POST');
