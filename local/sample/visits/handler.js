let visits = 0;

module.exports = async (event, context) => {
  visits += 1;
  return context.status(200).succeed({ visits, path: event.path });
};
