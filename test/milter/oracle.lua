-- Drives postern-milter with OpenDKIM's miltertest, a second implementation of the mail server's side.
-- SOCKET is defined on the command line.

local function open(name, host, address)
	local conn = mt.connect(SOCKET, 40, 0.05)
	if conn == nil then
		error(name .. ": no connection")
	end
	if mt.conninfo(conn, host, address) ~= nil then
		error(name .. ": conninfo failed")
	end
	return conn
end

local function mail(name, conn, from, user)
	if user ~= nil then
		mt.macro(conn, SMFIC_MAIL, "i", "queue-id", "{auth_authen}", user)
	else
		mt.macro(conn, SMFIC_MAIL, "i", "queue-id")
	end
	if mt.mailfrom(conn, "<user@example.com>") ~= nil then
		error(name .. ": MAIL failed")
	end
	for _, value in ipairs(from) do
		if mt.header(conn, "From", value) ~= nil then
			error(name .. ": header failed")
		end
	end
	if mt.header(conn, "Subject", " a test") ~= nil then
		error(name .. ": header failed")
	end
	if mt.eoh(conn) ~= nil then
		error(name .. ": end of header failed")
	end
	return mt.getreply(conn)
end

local function expect_signed(name, host, address, from, user)
	local conn = open(name, host, address)
	for round = 1, 2 do
		if mail(name, conn, { from }, user) ~= SMFIR_CONTINUE then
			error(name .. ": end of header is not answered CONTINUE")
		end
		if mt.bodystring(conn, "Hello\r\n") ~= nil then
			error(name .. ": body failed")
		end
		if mt.eom(conn) ~= nil then
			error(name .. ": end failed")
		end
		if mt.getreply(conn) ~= SMFIR_CONTINUE then
			error(name .. ": end is not answered CONTINUE")
		end
		if not mt.eom_check(conn, MT_HDRINSERT, "DKIM-Signature") then
			error(name .. ": not signed")
		end
	end
	mt.disconnect(conn)
end

local function expect_reply(name, host, address, from, reply)
	local conn = open(name, host, address)
	local got = mail(name, conn, from)
	if got ~= reply then
		error(name .. ": answered " .. got)
	end
	mt.disconnect(conn)
end

-- A client of a listener; gives the connection and the reply to its address.
local function client(name, listener, address)
	local conn = mt.connect(SOCKET, 40, 0.05)
	if conn == nil then
		error(name .. ": no connection")
	end
	mt.macro(conn, SMFIC_CONNECT, "{daemon_name}", listener, "{client_addr}", address, "j", "mail.example.com")
	if mt.conninfo(conn, "client.test", address) ~= nil then
		error(name .. ": conninfo failed")
	end
	return conn, mt.getreply(conn)
end

local function expect_client(name, listener, address, at_connect, sender, at_mail)
	local conn, reply = client(name, listener, address)
	if reply ~= at_connect then
		error(name .. ": the address is answered " .. reply)
	end
	if sender ~= nil then
		mt.macro(conn, SMFIC_MAIL, "i", "queue-id", "{client_addr}", address)
		if mt.mailfrom(conn, sender) ~= nil or mt.getreply(conn) ~= at_mail then
			error(name .. ": the sender is answered " .. mt.getreply(conn))
		end
	end
	mt.disconnect(conn)
end

-- A message of a stranger; `fields` are names and values. Gives the connection at the end of the message.
local function expect_message(name, listener, address, fields)
	local conn, reply = client(name, listener, address)
	if reply ~= SMFIR_CONTINUE then
		error(name .. ": the address is answered " .. reply)
	end
	mt.macro(conn, SMFIC_MAIL, "i", "queue-id", "{client_addr}", address)
	if mt.mailfrom(conn, "<x@elsewhere.test>") ~= nil or mt.getreply(conn) ~= SMFIR_CONTINUE then
		error(name .. ": MAIL failed")
	end
	for i = 1, #fields, 2 do
		if mt.header(conn, fields[i], fields[i + 1]) ~= nil then
			error(name .. ": header failed")
		end
	end
	if mt.eoh(conn) ~= nil or mt.getreply(conn) ~= SMFIR_CONTINUE then
		error(name .. ": end of header failed")
	end
	if mt.bodystring(conn, "Hello\r\n") ~= nil or mt.eom(conn) ~= nil or mt.getreply(conn) ~= SMFIR_CONTINUE then
		error(name .. ": end failed")
	end
	return conn
end

local function listeners()
	expect_client("claimed loopback", "proxied", "127.0.0.1", SMFIR_REPLYCODE)
	expect_client("claimed loopback 6", "proxied", "::1", SMFIR_REPLYCODE)
	expect_client("the proxy itself", "proxied", "192.0.2.10", SMFIR_CONTINUE, "<x@elsewhere.test>", SMFIR_REPLYCODE)
	expect_client("a stranger", "proxied", "203.0.113.9", SMFIR_CONTINUE, "<x@elsewhere.test>", SMFIR_CONTINUE)
	expect_client("a lost header", "smtpd", "192.0.2.10", SMFIR_REPLYCODE)
	expect_client("bound, its domain", "smtpd", "10.0.0.1", SMFIR_CONTINUE, "<u@example.com>", SMFIR_CONTINUE)
	expect_client("bound, another domain", "smtpd", "10.0.0.1", SMFIR_CONTINUE, "<u@elsewhere.test>", SMFIR_REPLYCODE)
	local conn = expect_message("quarantine", "proxied", "224.0.0.1", { "From", " x@elsewhere.test" })
	if not mt.eom_check(conn, MT_QUARANTINE) then
		error("quarantine: not held")
	end
	mt.disconnect(conn)
end

local function verification()
	local conn = expect_message("forged", "mx", "203.0.113.9",
		{ "Authentication-Results", " mx.example.org; dkim=pass", "From", " x@elsewhere.test",
			"Authentication-Results", " other.test; dkim=pass" })
	if not mt.eom_check(conn, MT_HDRDELETE, "Authentication-Results", 1) then
		error("forged: it stays")
	end
	if mt.eom_check(conn, MT_HDRDELETE, "Authentication-Results", 2) then
		error("forged: another's goes")
	end
	if not mt.eom_check(conn, MT_HDRINSERT, "Authentication-Results", " mx.example.org;\n\tdkim=none") then
		error("forged: no result comes")
	end
	mt.disconnect(conn)
end

local function main()
	expect_signed("loopback", "localhost", "127.0.0.1", " user@example.com")
	expect_signed("loopback 6", "localhost", "::1", " user@example.com")
	expect_signed("subdomain", "localhost", "127.0.0.1", " user@mail.example.com")
	expect_signed("authenticated", "unknown", "203.0.113.9", " user@example.com", "user")
	expect_signed("local", "localhost", "unspec", " user@example.com")
	expect_reply("stranger", "unknown", "203.0.113.9", { " user@example.com" }, SMFIR_ACCEPT)
	expect_reply("foreign", "localhost", "127.0.0.1", { " user@elsewhere.test" }, SMFIR_ACCEPT)
	expect_reply("two From fields", "localhost", "127.0.0.1",
		{ " user@example.com", " user@example.com" }, SMFIR_REPLYCODE)
	listeners()
	verification()
end

local good, message = pcall(main)
mt.echo(good and "all good" or message)
if not good then
	error(message)
end
