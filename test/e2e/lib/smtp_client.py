"""One SMTP transaction, run on a node of the lab: reads what to do as JSON, prints the replies.

Takes the addresses as they are, between angle brackets, so that odd ones reach the server.
"""
import json
import smtplib
import ssl
import sys


def reply(result):
    return [result[0], result[1].decode(errors="replace")]


def transact(request, replies):
    options = {"host": request["server"], "port": request.get("port", 25),
               "local_hostname": request.get("helo", "client.elsewhere.test"),
               "timeout": request.get("timeout", 20),
               "source_address": (request["source"], 0) if "source" in request else None}
    context = ssl._create_unverified_context()
    client = (smtplib.SMTP_SSL(context=context, **options) if request.get("tls")
              else smtplib.SMTP(**options))
    replies["connect"] = True
    replies["ehlo"] = reply(client.ehlo())
    if request.get("starttls"):
        replies["starttls"] = reply(client.starttls(context=context))
        client.ehlo()
    if "login" in request:
        try:
            replies["login"] = reply(client.login(*request["login"]))
        except smtplib.SMTPAuthenticationError as error:
            replies["login"] = [error.smtp_code, error.smtp_error.decode()]
        except smtplib.SMTPNotSupportedError as error:
            replies["login"] = [0, str(error)]
    replies["sender"] = reply(client.docmd(f"MAIL FROM:<{request['sender']}>"))
    for recipient in request["recipients"]:
        replies["recipients"].append(reply(client.docmd(f"RCPT TO:<{recipient}>")))
    if request["message"] is not None and any(r[0] == 250 for r in replies["recipients"]):
        replies["data"] = reply(client.data(request["message"].encode()))
    client.quit()


def main():
    replies = {"connect": False, "ehlo": None, "sender": None, "recipients": [], "data": None,
               "error": None}
    try:
        transact(json.load(sys.stdin), replies)
    except smtplib.SMTPResponseException as error:
        replies["error"] = [error.smtp_code, error.smtp_error.decode()]
    except (OSError, smtplib.SMTPException) as error:
        replies["error"] = str(error)
    print(json.dumps(replies))


main()
