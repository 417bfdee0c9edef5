/** Draws the panels of a hyper-parameter study into an element. */
function drawStudy(study, element, tools) {
  element.append(tools.el("p", {}, tools.shortNumber(study.trials?.length ?? 0), " trials"));
}
