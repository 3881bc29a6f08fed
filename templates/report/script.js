/* Copy buttons, which are of no use without a script, and folds that are open on paper. */
(function () {
	"use strict";

	function select(element) {
		var range = document.createRange();

		range.selectNodeContents(element);
		getSelection().removeAllRanges();
		getSelection().addRange(range);
	}

	/* The selection stays, for those whose browser does not let a page copy. */
	function copy(element, button) {
		var before = button.textContent;

		function tell(text) {
			button.textContent = text;
			setTimeout(function () {
				button.textContent = before;
			}, 2000);
		}

		function by_selection() {
			select(element);
			tell(document.execCommand("copy") ? "Copied" : "Selected");
		}

		if (navigator.clipboard && isSecureContext)
			navigator.clipboard.writeText(element.textContent).then(function () {
				tell("Copied");
			}, by_selection);
		else
			by_selection();
	}

	document.querySelectorAll("[data-copy]").forEach(function (element) {
		var button = document.createElement("button");

		button.type = "button";
		button.className = "copy";
		button.textContent = "Copy";
		button.setAttribute("aria-label", "Copy " + element.dataset.copy);
		button.setAttribute("aria-live", "polite");
		button.addEventListener("click", function () {
			copy(element, button);
		});
		element.parentNode.insertBefore(button, element);
	});

	addEventListener("beforeprint", function () {
		document.querySelectorAll("details").forEach(function (fold) {
			fold.open = true;
		});
	});
})();
