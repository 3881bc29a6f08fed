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
end

local good, message = pcall(main)
mt.echo(good and "all good" or message)
if not good then
	error(message)
end
